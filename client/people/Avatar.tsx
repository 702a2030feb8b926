import './avatar.css'
import { Show } from 'solid-js'
import type { RoomId, UserId } from '#schema/ids'
import { useChat } from '../chat/createChat.ts'

const colours = 12

/** The initials of a name on a colour that is always theirs. Decoration: the name stands beside it. */
export function Avatar(props: {
  user: UserId
  hasStatus?: boolean
  /** A room that they are known to belong to. */
  room?: RoomId | undefined
  isSmall?: boolean
}) {
  const chat = useChat()
  const colour = () => {
    // FNV-1a: names that differ in one letter differ in colour.
    let hash = 0x811c9dc5
    for (const character of props.user)
      hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193) >>> 0
    return hash % colours
  }
  const letters = () => {
    const words = chat.people.name(props.user).split(/\s+/).filter(Boolean)
    const [first = '?', last = ''] = [words[0], words.length > 1 ? words.at(-1) : '']
    return (props.isSmall ? [first] : [first, last])
      .map((word) => [...word][0]?.toUpperCase() ?? '')
      .join('')
  }
  return (
    <span
      class={`avatar colour-${colour()}`}
      classList={{ 'is-small': props.isSmall }}
      aria-hidden="true"
    >
      {letters()}
      <Show when={props.hasStatus && chat.presence.statusOf(props.user, props.room)}>
        {(status) => <span class={`dot is-${status()}`} />}
      </Show>
    </span>
  )
}
