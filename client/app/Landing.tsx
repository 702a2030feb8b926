import './landing.css'
import { createSignal, type JSX, Show } from 'solid-js'
import { useLanguage } from '../i18n/createLanguage.ts'

export function Landing(props: {
  lead: string
  hint?: string
  isBusy?: boolean
  children?: JSX.Element
}) {
  const { t } = useLanguage()
  return (
    <main class="landing">
      <div class="landing-card">
        <img
          src="/icon.svg"
          alt=""
          width="72"
          height="72"
          classList={{ 'is-busy': props.isBusy }}
        />
        <h1>{t('login.title')}</h1>
        <p role="status">{props.lead}</p>
        <Show when={props.hint}>
          <p class="landing-hint">{props.hint}</p>
        </Show>
        <Show when={props.children}>
          <div class="landing-actions">{props.children}</div>
        </Show>
      </div>
    </main>
  )
}

export function LandingButton(props: { onClick: () => void; children: JSX.Element }) {
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
