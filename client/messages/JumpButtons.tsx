import './jumpButtons.css'
import { Show } from 'solid-js'
import { useLanguage } from '../i18n/createLanguage.ts'
import { Icon } from '../ui/Icon.tsx'
import { IconButton } from '../ui/IconButton.tsx'

export function JumpButtons(props: {
  isUnreadAbove: boolean
  onUnread: () => void
  isEndBelow: boolean
  newBelow: number
  onEnd: () => void
  isMissing: boolean
  onDismiss: () => void
}) {
  const { t, tn } = useLanguage()
  return (
    <>
      <Show when={props.isMissing}>
        <div class="missing" role="status">
          <span>{t('links.missing')}</span>
          <IconButton icon="close" label={t('links.dismiss')} onClick={props.onDismiss} />
        </div>
      </Show>
      <Show when={props.isUnreadAbove}>
        <button type="button" class="jump is-up" onClick={props.onUnread}>
          <Icon name="up" />
          {t('links.toUnread')}
        </button>
      </Show>
      <Show when={props.isEndBelow}>
        <button
          type="button"
          class="jump"
          classList={{ 'is-loud': props.newBelow > 0 }}
          onClick={props.onEnd}
        >
          <Icon name="down" />
          {props.newBelow > 0 ? tn('message.newBelow', props.newBelow) : t('message.jump')}
        </button>
      </Show>
    </>
  )
}
