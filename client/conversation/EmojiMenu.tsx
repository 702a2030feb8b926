import { Popover } from '@kobalte/core/popover'
import { createSignal, For } from 'solid-js'
import type { Item } from '../chat/timeline.ts'
import type { MenuProps } from '../shell/laterMenu.tsx'
import { useConversation } from './createConversation.ts'

const offered = ['👍', '❤️', '😄', '🎉', '🙏', '👀', '✅', '😮', '😢', '🔥', '💯', '👎']

/** Some signs to react with. */
export function EmojiMenu(props: MenuProps & { item: Item }) {
  const { react } = useConversation()
  const [isOpen, setOpen] = createSignal(true)
  const change = (open: boolean) => {
    setOpen(open)
    props.onOpenChange?.(open)
  }
  return (
    <Popover open={isOpen()} onOpenChange={change} placement="top-end">
      <Popover.Trigger class={props.class} tabIndex={props.tabIndex} aria-label={props.label}>
        {props.children}
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content class="menu emoji-menu" aria-label={props.label}>
          <For each={offered}>
            {(emoji) => (
              <button
                type="button"
                class="emoji"
                onClick={() => {
                  change(false)
                  void react(props.item, emoji)
                }}
              >
                {emoji}
              </button>
            )}
          </For>
        </Popover.Content>
      </Popover.Portal>
    </Popover>
  )
}
