import { createSignal, Show } from 'solid-js'
import type { TimelineMessage } from '../chat/timeline.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { Icon } from '../ui/Icon.tsx'
import { lazyMenu } from '../ui/lazyMenu.tsx'
import { useConversation } from './createConversation.ts'

const EmojiPicker = lazyMenu(async () => (await import('../emoji/EmojiPicker.tsx')).EmojiPicker)
const MessageMenu = lazyMenu(async () => (await import('./MessageMenu.tsx')).MessageMenu)

export function MessageActions(props: {
  item: TimelineMessage
  isTabbable: boolean
  onThread: () => void
}) {
  const { t } = useLanguage()
  const { threadId, isPreview, react } = useConversation()
  const [isPicking, setPicking] = createSignal(false)
  const [isMenuOpen, setMenuOpen] = createSignal(false)
  let toolbar!: HTMLElement
  const tabIndex = () => (props.isTabbable ? 0 : -1)

  return (
    <div
      ref={(element) => {
        toolbar = element
      }}
      class="actions"
      classList={{ 'is-open': isPicking() || isMenuOpen() }}
      role="toolbar"
      aria-label={t('message.actions')}
    >
      <Show when={!isPreview}>
        <EmojiPicker
          class="icon-button"
          label={t('message.react')}
          tabIndex={tabIndex()}
          onPick={(emoji) => void react(props.item, emoji)}
          onOpenChange={setPicking}
        >
          <Icon name="smile" />
        </EmojiPicker>
      </Show>
      <Show when={threadId === undefined}>
        <button
          type="button"
          class="icon-button"
          tabIndex={tabIndex()}
          aria-label={t('message.reply')}
          onClick={props.onThread}
        >
          <Icon name="thread" />
        </button>
      </Show>
      <MessageMenu
        class="icon-button"
        label={t('message.more')}
        tabIndex={tabIndex()}
        item={props.item}
        anchor={() => toolbar}
        onOpenChange={setMenuOpen}
      >
        <Icon name="more" />
      </MessageMenu>
    </div>
  )
}
