import { For, Show } from 'solid-js'
import { useChat } from '../chat/createChat.ts'
import type { TimelineMessage } from '../chat/timeline.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { useConversation } from './createConversation.ts'

export function Reactions(props: { item: TimelineMessage }) {
  const emojis = () => props.item.reactions.map(({ emoji }) => emoji)
  return (
    <Show when={props.item.reactions.length > 0}>
      <ul class="reactions">
        <For each={emojis()}>{(emoji) => <Reaction emoji={emoji} item={props.item} />}</For>
      </ul>
    </Show>
  )
}

/**
 * The list is rendered by emoji instead of by reaction object, because a new count creates a new object.
 * The emoji stays the same, so `For` keeps the button, and the button keeps the focus.
 */
function Reaction(props: { emoji: string; item: TimelineMessage }) {
  const chat = useChat()
  const { t, listOf } = useLanguage()
  const { react, isPreview } = useConversation()
  const reaction = () => props.item.reactions.find(({ emoji }) => emoji === props.emoji)
  const users = () => reaction()?.users ?? []
  const names = () => listOf(users().map((user) => chat.people.name(user)))
  return (
    <li>
      <button
        type="button"
        class="reaction"
        disabled={isPreview}
        aria-pressed={users().includes(chat.me)}
        aria-label={t('message.reactedBy', {
          emoji: props.emoji,
          count: users().length,
          names: names(),
        })}
        data-tip={names()}
        onClick={() => void react(props.item, props.emoji)}
      >
        <span>{props.emoji}</span> {reaction()?.count}
      </button>
    </li>
  )
}
