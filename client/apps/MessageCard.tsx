import './messageCard.css'
import { Show } from 'solid-js'
import type { AppId } from '#schema/messages/app'
import { useLanguage } from '../i18n/createLanguage.ts'
import { useOpenApp } from './openApp.ts'

/** The text of an app's message, with a button that opens the app. */
export function MessageCard(props: { app: AppId; name: string; text: string }) {
  const { t } = useLanguage()
  const open = useOpenApp()
  return (
    <div class="message-card">
      <p dir="auto">{props.text}</p>
      <Show when={open}>
        {(open) => (
          <button type="button" class="button" onClick={() => open()(props.app)}>
            {t('apps.open')} <span class="visually-hidden">{props.name}</span>
          </button>
        )}
      </Show>
    </div>
  )
}
