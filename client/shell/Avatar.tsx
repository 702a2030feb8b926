import { Show } from 'solid-js'
import type { UserId } from '#schema/ids'
import { useChat } from '../chat/createChat.ts'

const colours = 12

/** The first letter of a name on a colour that is always theirs. Decoration: the name stands beside it. */
export function Avatar(props: { user: UserId; hasStatus?: boolean; isSmall?: boolean }) {
  const chat = useChat()
  const colour = () => {
    let sum = 7
    for (const character of props.user) sum = (sum * 31 + character.charCodeAt(0)) % 9_973
    return sum % colours
  }
  const letter = () => [...chat.people.name(props.user)][0]?.toUpperCase() ?? '?'
  return (
    <span
      class={`avatar colour-${colour()}`}
      classList={{ 'is-small': props.isSmall }}
      aria-hidden="true"
    >
      {letter()}
      <Show when={props.hasStatus}>
        <span class={`dot is-${chat.presence.statusOf(props.user)}`} />
      </Show>
    </span>
  )
}
