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

/** The chat of somebody whom the provider vouches for. */
export function ConnectedApp(props: {
  config: Config
  session: Session
  identity: SessionIdentity
}) {
  const { t } = useLanguage()
  const connection = createConnection(props.config, props.session, props.identity.user)
  const store = openWithoutOthers(props.identity.user)
  store.onCleared(props.session.leave)
  const leaving = createLogout(store, async () => {
    // First, so that no other tab takes it for still being so.
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
            onLogout={leaving.ask}
          />
        }
      >
        <Match when={connection.state().status === 'refused'}>
          <Landing lead={t('login.refused')} hint={t('login.refusedHint')}>
            <LandingButton onClick={() => void props.session.renew()}>
              {t('login.retry')}
            </LandingButton>
            <button type="button" class="button" onClick={leaving.ask}>
              {t('status.logout')}
            </button>
          </Landing>
        </Match>
      </Switch>
      <ConfirmLogout {...leaving} />
    </>
  )
}

/** What was kept for somebody, while nobody can be asked who this is. */
export function OfflineApp(props: { vouched: LastIdentity }) {
  const { identity, at } = props.vouched
  const connection = createOfflineConnection(at)
  const store = openWithoutOthers(identity.user)
  store.onCleared(() => window.location.reload())
  const leaving = createLogout(store, async () => {
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
        onLogout={leaving.ask}
      />
      <ConfirmLogout {...leaving} />
    </>
  )
}

/** Logs out, but asks before what nobody else has is forgotten. */
function createLogout(store: LocalStore, leave: () => Promise<void>) {
  const [unsent, setUnsent] = createSignal(0)
  return {
    leave,
    unsent,
    stay: () => setUnsent(0),
    ask() {
      setUnsent(countUnsent(store))
      if (unsent() === 0) void leave()
    },
  }
}

function ConfirmLogout(props: ReturnType<typeof createLogout>) {
  const { t, tn } = useLanguage()
  return (
    <ConfirmDialog
      isOpen={props.unsent() > 0}
      onClose={props.stay}
      title={t('status.confirmLogout')}
      deed={t('status.logout')}
      isDanger
      onConfirm={props.leave}
    >
      <p>{tn('status.unsent', props.unsent())}</p>
    </ConfirmDialog>
  )
}

/** What is kept for this person, and nothing of others. */
function openWithoutOthers(user: string): LocalStore {
  const store = openLocalStore(user)
  // What is to be shown is read first.
  void store.read('rooms').then(() => clearOtherUsers(user))
  return store
}
