import { createSignal, onCleanup, Show } from 'solid-js'
import type { Session } from '../auth/createSession.ts'
import type { KnownIdentity, SessionIdentity } from '../auth/identity.ts'
import { deleteLastIdentity, type LastIdentity } from '../auth/lastIdentity.ts'
import { countUnsent } from '../chat/createSendQueue.ts'
import { clearOtherUsers, type LocalStore, openLocalStore } from '../chat/localStore.ts'
import type { Config } from '../config.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import {
  type Connection,
  createConnection,
  createOfflineConnection,
  graceMs,
} from '../nats/createConnection.ts'
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
  const connection = createConnection(props.config, props.session, props.identity)
  const isRefused = () => connection.state().status === 'refused'
  // At the first login in a browser, the page must ask the server for the user's id. If this takes
  // longer than `graceMs`, the page shows that Natter cannot be reached.
  const [isSlow, setSlow] = createSignal(false)
  const timer = setTimeout(setSlow, graceMs, true)
  onCleanup(() => clearTimeout(timer))
  return (
    <Show
      when={connection.userId()}
      keyed
      fallback={
        <Show
          when={isRefused()}
          fallback={<Landing lead={t(isSlow() ? 'login.unavailable' : 'login.starting')} isBusy />}
        >
          <Refused session={props.session} onLogout={() => void props.session.logout()} />
        </Show>
      }
    >
      {(user) => (
        <UserApp
          session={props.session}
          identity={{ ...props.identity, user }}
          connection={connection}
          isRefused={isRefused()}
        />
      )}
    </Show>
  )
}

function UserApp(props: {
  session: Session
  identity: KnownIdentity
  connection: Connection
  isRefused: boolean
}) {
  const store = openStore(props.identity.user)
  store.onCleared(props.session.leave)
  const logout = createLogout(store, async () => {
    // Deletes the stored identity first: after that, a token renewal in another tab does not store
    // it again.
    deleteLastIdentity()
    await store.clear()
    await props.session.logout()
  })
  return (
    <>
      <Show
        when={props.isRefused}
        fallback={
          <Layout
            client={props.connection.client}
            connection={props.connection}
            identity={props.identity}
            localStore={store}
            onLogout={logout.request}
          />
        }
      >
        <Refused session={props.session} onLogout={logout.request} />
      </Show>
      <ConfirmLogout {...logout} />
    </>
  )
}

function Refused(props: { session: Session; onLogout: () => void }) {
  const { t } = useLanguage()
  return (
    <Landing lead={t('login.refused')} hint={t('login.refusedHint')}>
      <LandingButton onClick={() => void props.session.renew()}>{t('login.retry')}</LandingButton>
      <button type="button" class="button" onClick={props.onLogout}>
        {t('status.logout')}
      </button>
    </Landing>
  )
}

export function OfflineApp(props: { lastIdentity: LastIdentity }) {
  const { identity, at } = props.lastIdentity
  const connection = createOfflineConnection(identity.user, at)
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

/** `request` asks for confirmation if unsent messages would be lost, else logs out at once. */
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

function openStore(user: string): LocalStore {
  const store = openLocalStore(user)
  // The page needs the room list first. So the list is read before the data of other users is
  // deleted.
  void store.read('rooms').then(() => clearOtherUsers(user))
  return store
}
