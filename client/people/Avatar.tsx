import './avatar.css'
import { Show } from 'solid-js'
import type { RoomId, UserId } from '#schema/ids'
import { useChat } from '../chat/createChat.ts'

const colourCount = 12

/** Hidden from screen readers, because the user's name is shown beside it. */
export function Avatar(props: {
  user: UserId
  hasStatus?: boolean
  /**
   * If set, a user without a known status is shown as offline once the statuses of this room's
   * members are loaded. If not set, such a user has no status mark.
   */
  room?: RoomId | undefined
  isSmall?: boolean
}) {
  const chat = useChat()
  const colour = () => {
    // The FNV-1a hash usually gives different colours to user ids that differ in one letter.
    let hash = 0x811c9dc5
    for (const character of props.user)
      hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193) >>> 0
    return hash % colourCount
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
