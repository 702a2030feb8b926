import { onCleanup } from 'solid-js'
import type { MyRoom } from '#schema/messages/room'
import type { Chat } from '../chat/createChat.ts'
import type { Router } from '../routing/createRoute.ts'
import type { RoomLists } from '../sidebar/createRoomLists.ts'

interface ShortcutsOptions {
  chat: Chat
  places: Router
  lists: RoomLists
  /** Opens the switcher, or closes it. */
  onSwitcher: () => void
  onHelp: () => void
}

/** What keys do wherever the focus is. Within a message, a list or a dialog there are more. */
export function createShortcuts({ chat, places, lists, onSwitcher, onHelp }: ShortcutsOptions) {
  const isUnread = ({ id, unread }: MyRoom) => unread > 0 && !chat.notify.isMuted(id)

  function goBeside(step: 1 | -1, isWanted?: (room: MyRoom) => boolean) {
    const next = lists.beside(places.route().room, step, isWanted)
    if (next) places.go({ room: next.id })
  }

  function find(event: KeyboardEvent): (() => void) | undefined {
    const { key, altKey, shiftKey } = event
    const hasCtrl = event.ctrlKey || event.metaKey
    if (hasCtrl) return key === 'k' && !altKey && !shiftKey ? onSwitcher : undefined
    if (isInSidePanel(event)) return undefined
    if (altKey && shiftKey && key === 'ArrowDown') return () => goBeside(1, isUnread)
    if (altKey && shiftKey && key === 'ArrowUp') return () => goBeside(-1, isUnread)
    if (altKey && !shiftKey && key === 'PageDown') return () => goBeside(1)
    if (altKey && !shiftKey && key === 'PageUp') return () => goBeside(-1)
    if (shiftKey && !altKey && key === 'Escape') return chat.rooms.markAllRead
    if (key === '?' && !isTyping(event)) return onHelp
    return undefined
  }

  const onKey = (event: KeyboardEvent) => {
    if (event.isComposing) return
    const what = find(event)
    if (!what) return
    event.preventDefault()
    event.stopPropagation()
    what()
  }
  // Before whatever has the focus: to a field an arrow is an arrow, with whichever keys it is pressed.
  window.addEventListener('keydown', onKey, { capture: true })
  onCleanup(() => window.removeEventListener('keydown', onKey, { capture: true }))
}

/** Whoever is asked something has no eyes for the rooms behind it. */
function isInSidePanel({ target }: KeyboardEvent): boolean {
  return target instanceof Element && target.closest('[role="dialog"], [role="menu"]') !== null
}

function isTyping({ target }: KeyboardEvent): boolean {
  return target instanceof HTMLElement && target.matches('input, textarea')
}
