import { createSignal, Match, Switch } from 'solid-js'
import type { Identity, Session } from '../auth/createSession.ts'
import { forgetVouched, type Vouched } from '../auth/lastIdentity.ts'
import { countUnsent } from '../chat/createSendQueue.ts'
import { forgetOthers, type Kept, openKept } from '../chat/localStore.ts'
import type { Config } from '../config.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { createAbsence, createConnection } from '../nats/createConnection.ts'
import { later } from '../ui/lazyPart.tsx'
import { Landing, LandingButton } from './Landing.tsx'
import { ChatShell } from './Layout.tsx'

const ConfirmDialog = later(async () => (await import('../ui/ConfirmDialog.tsx')).ConfirmDialog)

/** The chat of somebody whom the provider vouches for. */
export function Connected(props: { config: Config; session: Session; identity: Identity }) {
  const { t } = useLanguage()
  const connection = createConnection(props.config, props.session, props.identity.user)
  const kept = openAlone(props.identity.user)
  kept.onForgotten(props.session.leave)
  const leaving = createLeaving(kept, async () => {
    // First, so that no other tab takes it for still being so.
    forgetVouched()
    await kept.clear()
    await props.session.logout()
  })
  return (
    <>
      <Switch
        fallback={
          <ChatShell
            client={connection.client}
            connection={connection}
            identity={props.identity}
            kept={kept}
            onLogout={leaving.ask}
          />
        }
      >
        <Match when={connection.link().is === 'refused'}>
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
      <AskBeforeLeaving {...leaving} />
    </>
  )
}

/** What was kept for somebody, while nobody can be asked who this is. */
export function Absent(props: { vouched: Vouched }) {
  const { identity, at } = props.vouched
  const connection = createAbsence(at)
  const kept = openAlone(identity.user)
  kept.onForgotten(() => window.location.reload())
  const leaving = createLeaving(kept, async () => {
    forgetVouched()
    await kept.clear()
    window.location.reload()
  })
  return (
    <>
      <ChatShell
        client={connection.client}
        connection={connection}
        identity={identity}
        kept={kept}
        onLogout={leaving.ask}
      />
      <AskBeforeLeaving {...leaving} />
    </>
  )
}

/** Logs out, but asks before what nobody else has is forgotten. */
function createLeaving(kept: Kept, leave: () => Promise<void>) {
  const [unsent, setUnsent] = createSignal(0)
  return {
    leave,
    unsent,
    stay: () => setUnsent(0),
    ask() {
      setUnsent(countUnsent(kept))
      if (unsent() === 0) void leave()
    },
  }
}

function AskBeforeLeaving(props: ReturnType<typeof createLeaving>) {
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
function openAlone(user: string): Kept {
  const kept = openKept(user)
  // What is to be shown is read first.
  void kept.read('rooms').then(() => forgetOthers(user))
  return kept
}
