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

const [configRetryMs, providerRetryMs] = [2_000, 5_000]

// The redirect to the identity provider does not need the chat, so the chat is a separate chunk. On
// the callback path, this chunk loads in parallel with the token request.
const loadAuthenticatedApp = () => import('./AuthenticatedApp.tsx')
const ConnectedApp = lazyPart(async () => (await loadAuthenticatedApp()).ConnectedApp)
const OfflineApp = lazyPart(async () => (await loadAuthenticatedApp()).OfflineApp)
if (window.location.pathname === callbackPath) loadAuthenticatedApp().catch(() => undefined)

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
    toDo: t('text.toDo'),
  })
  const activity = createUserActivity()
  const retryConfig = () => !config.loading && !config() && activity.isIdle() && refetch()
  const timer = setInterval(() => void retryConfig(), configRetryMs)
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
              {(config) => <WithSession config={config()} />}
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
  // A retry may redirect to the identity provider, so it waits while the user is typing.
  const activity = createUserActivity()
  const isUnreachable = () => session.state().status === 'unreachable'
  const retry = () => isUnreachable() && activity.isIdle() && void session.start()
  const timer = setInterval(retry, providerRetryMs)
  onCleanup(() => clearInterval(timer))

  const loggedOutText = () => {
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
        {(identity) => (
          <ConnectedApp
            config={props.config}
            session={session}
            identity={identity}
            fallback={<Landing lead={t('login.starting')} isBusy />}
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
      <Match when={loggedOutText()}>
        {(lead) => (
          <Landing lead={lead()}>
            <LandingButton onClick={() => void session.login()}>{t('login.button')}</LandingButton>
          </Landing>
        )}
      </Match>
    </Switch>
  )
}

function ProviderUnavailable(props: { children: JSX.Element }) {
  const lastIdentity = readLastIdentity()
  return lastIdentity ? <OfflineApp lastIdentity={lastIdentity} /> : props.children
}
