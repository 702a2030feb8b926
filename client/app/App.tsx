import { createResource, type JSX, Match, onCleanup, Show, Switch } from 'solid-js'
import { callbackPath, createSession } from '../auth/createSession.ts'
import { readLastIdentity } from '../auth/lastIdentity.ts'
import { type Config, readPageConfig } from '../config.ts'
import { createLanguage, LanguageContext, useLanguage } from '../i18n/createLanguage.ts'
import { SettingsContext } from '../settings/context.ts'
import { createSettings } from '../settings/createSettings.ts'
import { TextWordsContext } from '../text/words.ts'
import { AppErrorBoundary } from '../ui/AppErrorBoundary.tsx'
import { createUserActivity } from '../ui/createUserActivity.ts'
import { lazyPart } from '../ui/lazyPart.tsx'
import { Landing, LandingButton } from './Landing.tsx'
import { UpdateBanner } from './UpdateBanner.tsx'

const [checkAgainMs, retryMs] = [2_000, 5_000]

// On the way to the provider none of it is needed; on the way back it comes while the token does.
const loadAuthenticatedApp = () => import('./AuthenticatedApp.tsx')
const ConnectedApp = lazyPart(async () => (await loadAuthenticatedApp()).ConnectedApp)
const OfflineApp = lazyPart(async () => (await loadAuthenticatedApp()).OfflineApp)
if (window.location.pathname === callbackPath) loadAuthenticatedApp().catch(() => undefined)

/** Everything: finds out where things are, who is there, and shows them the chat. */
export function App() {
  const settings = createSettings()
  const language = createLanguage(() => settings[0].language)
  const [config, { refetch }] = createResource(() => readPageConfig().catch(() => undefined))
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
  const rest = createUserActivity()
  const lookAgain = () => !config.loading && !config() && rest.isResting() && refetch()
  const timer = setInterval(() => void lookAgain(), checkAgainMs)
  onCleanup(() => clearInterval(timer))

  return (
    <SettingsContext.Provider value={settings}>
      <LanguageContext.Provider value={language}>
        <TextWordsContext.Provider value={textWords}>
          <AppErrorBoundary>
            <Show
              when={config.latest}
              fallback={
                <Show when={config.state !== 'pending'}>
                  <ProviderUnavailable>
                    <Landing lead={t('login.unavailable')} />
                  </ProviderUnavailable>
                </Show>
              }
            >
              {(found) => <WithSession config={found()} />}
            </Show>
          </AppErrorBoundary>
          <UpdateBanner />
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
  const rest = createUserActivity()
  const isOut = () => session.state().status === 'unreachable'
  const askAgain = () => isOut() && rest.isResting() && void session.start()
  const timer = setInterval(askAgain, retryMs)
  onCleanup(() => clearInterval(timer))

  const why = () => {
    const state = session.state()
    if (state.status !== 'out') return undefined
    if (state.why === 'ended') return t('login.ended')
    return state.why === 'logout' ? t('login.loggedOut') : t('login.lead')
  }
  const identity = () => {
    const state = session.state()
    return state.status === 'in' ? state.identity : undefined
  }
  return (
    <Switch fallback={<Landing lead={t('login.starting')} isBusy />}>
      <Match when={identity()} keyed>
        {(found) => (
          <ConnectedApp
            config={props.config}
            session={session}
            identity={found}
            instead={<Landing lead={t('login.starting')} isBusy />}
          />
        )}
      </Match>
      <Match when={session.state().status === 'unreachable'}>
        <ProviderUnavailable>
          <Landing lead={t('login.unreachable')}>
            <LandingButton onClick={() => void session.start()}>{t('login.retry')}</LandingButton>
          </Landing>
        </ProviderUnavailable>
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

/**
 * While nobody can be asked who this is: what was kept for whom the provider vouched last. Where that
 * is nobody, or too long ago, what there is to say instead.
 */
function ProviderUnavailable(props: { children: JSX.Element }) {
  const vouched = readLastIdentity()
  return vouched ? <OfflineApp vouched={vouched} /> : props.children
}
