import { createSignal, Match, Switch } from 'solid-js'
import type { Session } from '../auth/createSession.ts'
import type { SessionIdentity } from '../auth/identity.ts'
import { deleteLastIdentity, type LastIdentity } from '../auth/lastIdentity.ts'
import { countUnsent } from '../chat/createSendQueue.ts'
import { clearOtherUsers, type LocalStore, openLocalStore } from '../chat/localStore.ts'
import type { Config } from '../config.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { createConnection, createOfflineConnection } from '../nats/createConnection.ts'
import { lazyPart } from '../ui/lazyPart.tsx'
import { Landing, LandingButton } from './Landing.tsx'
import { Layout } from './Layout.tsx'

const ConfirmDialog = lazyPart(async () => (await import('../ui/ConfirmDialog.tsx')).ConfirmDialog)

export function ConnectedApp(props: {
  config: Config
  session: Session
  identity: SessionIdentity
}) {
  const { t } = useLanguage()
  const connection = createConnection(props.config, props.session, props.identity.user)
  const store = openStore(props.identity.user)
  store.onCleared(props.session.leave)
  const logout = createLogout(store, async () => {
    // Deletes the identity first, so that no other tab restores it during the logout.
    deleteLastIdentity()
    await store.clear()
    await props.session.logout()
  })
  return (
    <>
      <Switch
        fallback={
          <Layout
            client={connection.client}
            connection={connection}
            identity={props.identity}
            localStore={store}
            onLogout={logout.request}
          />
        }
      >
        <Match when={connection.state().status === 'refused'}>
          <Landing lead={t('login.refused')} hint={t('login.refusedHint')}>
            <LandingButton onClick={() => void props.session.renew()}>
              {t('login.retry')}
            </LandingButton>
            <button type="button" class="button" onClick={logout.request}>
              {t('status.logout')}
            </button>
          </Landing>
        </Match>
      </Switch>
      <ConfirmLogout {...logout} />
    </>
  )
}

/** Shows the cached chat of a user while the identity provider is unavailable. */
export function OfflineApp(props: { lastIdentity: LastIdentity }) {
  const { identity, at } = props.lastIdentity
  const connection = createOfflineConnection(at)
  const store = openStore(identity.user)
  store.onCleared(() => window.location.reload())
  const logout = createLogout(store, async () => {
    deleteLastIdentity()
    await store.clear()
    window.location.reload()
  })
  return (
    <>
      <Layout
        client={connection.client}
        connection={connection}
        identity={identity}
        localStore={store}
        onLogout={logout.request}
      />
      <ConfirmLogout {...logout} />
    </>
  )
}

/** `request` asks for confirmation if unsent messages would be lost. */
function createLogout(store: LocalStore, logout: () => Promise<void>) {
  const [unsent, setUnsent] = createSignal(0)
  return {
    logout,
    unsent,
    cancel: () => setUnsent(0),
    request() {
      setUnsent(countUnsent(store))
      if (unsent() === 0) void logout()
    },
  }
}

function ConfirmLogout(props: ReturnType<typeof createLogout>) {
  const { t, tn } = useLanguage()
  return (
    <ConfirmDialog
      isOpen={props.unsent() > 0}
      onClose={props.cancel}
      title={t('status.confirmLogout')}
      confirmLabel={t('status.logout')}
      isDanger
      onConfirm={props.logout}
    >
      <p>{tn('status.unsent', props.unsent())}</p>
    </ConfirmDialog>
  )
}

/** Opens the local store of a user and deletes the cached data of other users. */
function openStore(user: string): LocalStore {
  const store = openLocalStore(user)
  // The page shows the room list first, so the deletion starts after the read of that list.
  void store.read('rooms').then(() => clearOtherUsers(user))
  return store
}
