import { ErrorBoundary, type JSX, onMount } from 'solid-js'
import { useLanguage } from '../i18n/createLanguage.ts'

export function AppErrorBoundary(props: { onRetry?: () => void; children: JSX.Element }) {
  return (
    <ErrorBoundary
      fallback={(error, reset) => (
        <ErrorFallback
          error={error}
          onRetry={() => {
            props.onRetry?.()
            reset()
          }}
        />
      )}
    >
      {props.children}
    </ErrorBoundary>
  )
}

function ErrorFallback(props: { error: unknown; onRetry: () => void }) {
  const { t } = useLanguage()
  onMount(() => console.error(props.error))
  return (
    <div class="nothing broken" role="alert">
      <h1>{t('app.broken')}</h1>
      <p>{t('app.brokenHint')}</p>
      <div class="broken-actions">
        <button type="button" class="button primary" onClick={() => props.onRetry()}>
          {t('login.retry')}
        </button>
        <button type="button" class="button" onClick={() => window.location.reload()}>
          {t('update.reload')}
        </button>
      </div>
    </div>
  )
}
