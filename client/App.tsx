import { createResource, createSignal, type JSX, Match, onCleanup, Show, Switch } from 'solid-js'
import { createAbsence, createConnection } from './chat/createConnection.ts'
import { createRest } from './chat/createRest.ts'
import { createSession, type Identity, type Session } from './chat/createSession.ts'
import { createSettings } from './chat/createSettings.ts'
import { forgetOthers, openKept } from './chat/kept.ts'
import { forgetVouched, readVouched, type Vouched } from './chat/vouched.ts'
import { type Config, readConfig } from './config.ts'
import { createLanguage, LanguageContext, useLanguage } from './i18n/createLanguage.ts'
import { ChatShell } from './shell/ChatShell.tsx'
import { Landing } from './shell/Landing.tsx'
import { SettingsContext } from './shell/settings.ts'
import { UpdateNote } from './shell/UpdateNote.tsx'
import { TextWordsContext } from './text/words.ts'

const [lookAgainMs, askAgainMs] = [2_000, 5_000]

/** Everything: finds out where things are, who is there, and shows them the chat. */
export function App() {
  const settings = createSettings()
  const language = createLanguage(() => settings[0].language)
  const [config, { refetch }] = createResource(() => readConfig().catch(() => undefined))
  const { t } = language
  const textWords = () => ({
    copy: t('text.copy'),
    copied: t('text.copied'),
    code: (name: string) => (name ? t('text.codeIn', { language: name }) : t('text.code')),
    image: (host: string) => t('text.image', { host }),
    loadImage: t('text.loadImage'),
    imageHint: (host: string) => t('text.imageHint', { host }),
    imageFailed: t('text.imageFailed'),
    done: t('text.done'),
    open: t('text.open'),
  })
  const rest = createRest()
  const lookAgain = () => !config.loading && !config() && rest.isResting() && refetch()
  const timer = setInterval(() => void lookAgain(), lookAgainMs)
  onCleanup(() => clearInterval(timer))

  return (
    <SettingsContext.Provider value={settings}>
      <LanguageContext.Provider value={language}>
        <TextWordsContext.Provider value={textWords}>
          <Show
            when={config.latest}
            fallback={
              <Show when={config.state !== 'pending'}>
                <Away>
                  <Landing lead={t('login.unavailable')} />
                </Away>
              </Show>
            }
          >
            {(found) => <WithSession config={found()} />}
          </Show>
          <UpdateNote />
        </TextWordsContext.Provider>
      </LanguageContext.Provider>
    </SettingsContext.Provider>
  )
}

function WithSession(props: { config: Config }) {
  const session = createSession(props.config)
  const { t } = useLanguage()
  void session.start()
  // Going to the provider takes the page away from whoever is writing.
  const rest = createRest()
  const isOut = () => session.state().is === 'unreachable'
  const askAgain = () => isOut() && rest.isResting() && void session.start()
  const timer = setInterval(askAgain, askAgainMs)
  onCleanup(() => clearInterval(timer))

  const why = () => {
    const state = session.state()
    if (state.is !== 'out') return undefined
    if (state.why === 'ended') return t('login.ended')
    return state.why === 'logout' ? t('login.loggedOut') : t('login.lead')
  }
  const identity = () => {
    const state = session.state()
    return state.is === 'in' ? state.identity : undefined
  }
  return (
    <Switch fallback={<Landing lead={t('login.starting')} isBusy />}>
      <Match when={identity()} keyed>
        {(found) => <Connected config={props.config} session={session} identity={found} />}
      </Match>
      <Match when={session.state().is === 'unreachable'}>
        <Away>
          <Landing lead={t('login.unreachable')}>
            <LandingButton onClick={() => void session.start()}>{t('login.retry')}</LandingButton>
          </Landing>
        </Away>
      </Match>
      <Match when={why()}>
        {(lead) => (
          <Landing lead={lead()}>
            <LandingButton onClick={() => void session.login()}>{t('login.button')}</LandingButton>
          </Landing>
        )}
      </Match>
    </Switch>
  )
}

function Connected(props: { config: Config; session: Session; identity: Identity }) {
  const { t } = useLanguage()
  const connection = createConnection(props.config, props.session, props.identity.user)
  const kept = openKept(props.identity.user)
  void forgetOthers(props.identity.user)
  const logout = async () => {
    await kept.clear()
    await props.session.logout()
  }
  return (
    <Switch
      fallback={
        <ChatShell
          client={connection.client}
          connection={connection}
          identity={props.identity}
          kept={kept}
          onLogout={() => void logout()}
        />
      }
    >
      <Match when={connection.link().is === 'refused'}>
        <Landing lead={t('login.refused')} hint={t('login.refusedHint')}>
          <LandingButton onClick={() => void props.session.renew()}>
            {t('login.retry')}
          </LandingButton>
          <button type="button" class="button" onClick={() => void logout()}>
            {t('status.logout')}
          </button>
        </Landing>
      </Match>
    </Switch>
  )
}

/**
 * While nobody can be asked who this is: what was kept for whom the provider vouched last. Where that
 * is nobody, or too long ago, what there is to say instead.
 */
function Away(props: { children: JSX.Element }) {
  const vouched = readVouched()
  return vouched ? <Kept vouched={vouched} /> : props.children
}

function Kept(props: { vouched: Vouched }) {
  const { identity, at } = props.vouched
  const connection = createAbsence(at)
  const kept = openKept(identity.user)
  const logout = async () => {
    await kept.clear()
    forgetVouched()
    window.location.reload()
  }
  return (
    <ChatShell
      client={connection.client}
      connection={connection}
      identity={identity}
      kept={kept}
      onLogout={() => void logout()}
    />
  )
}

function LandingButton(props: { onClick: () => void; children: JSX.Element }) {
  const [isPressed, setPressed] = createSignal(false)
  return (
    <button
      type="button"
      class="button primary"
      disabled={isPressed()}
      onClick={() => {
        setPressed(true)
        setTimeout(() => setPressed(false), 1_500)
        props.onClick()
      }}
    >
      {props.children}
    </button>
  )
}
