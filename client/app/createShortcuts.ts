import { onCleanup } from 'solid-js'
import type { MyRoom } from '#schema/messages/room'
import type { Chat } from '../chat/createChat.ts'
import type { Router } from '../routing/createRoute.ts'
import type { RoomLists } from '../sidebar/createRoomLists.ts'

interface ShortcutsOptions {
  chat: Chat
  router: Router
  lists: RoomLists
  onSwitcher: () => void
  onHelp: () => void
}

export function createShortcuts({ chat, router, lists, onSwitcher, onHelp }: ShortcutsOptions) {
  const isUnread = (room: MyRoom) => room.unread > 0 && !chat.notify.isMuted(room)

  function goToAdjacent(step: 1 | -1, accepts?: (room: MyRoom) => boolean) {
    const next = lists.adjacent(router.route().room, step, accepts)
    if (next) router.go({ room: next.id })
  }

  function findAction(event: KeyboardEvent): (() => void) | undefined {
    const { key, altKey, shiftKey } = event
    const hasCtrl = event.ctrlKey || event.metaKey
    if (hasCtrl) return key === 'k' && !altKey && !shiftKey ? onSwitcher : undefined
    if (isInDialogOrMenu(event)) return undefined
    if (altKey && shiftKey && key === 'ArrowDown') return () => goToAdjacent(1, isUnread)
    if (altKey && shiftKey && key === 'ArrowUp') return () => goToAdjacent(-1, isUnread)
    if (altKey && !shiftKey && key === 'PageDown') return () => goToAdjacent(1)
    if (altKey && !shiftKey && key === 'PageUp') return () => goToAdjacent(-1)
    if (shiftKey && !altKey && key === 'Escape') return chat.rooms.markAllRead
    if (key === '?' && !isTyping(event)) return onHelp
    return undefined
  }

  const onKey = (event: KeyboardEvent) => {
    const action = findAction(event)
    if (!action) return
    event.preventDefault()
    event.stopPropagation()
    action()
  }
  // Listens in the capture phase, because a text field would handle arrow keys with modifiers itself.
  window.addEventListener('keydown', onKey, { capture: true })
  onCleanup(() => window.removeEventListener('keydown', onKey, { capture: true }))
}

function isInDialogOrMenu({ target }: KeyboardEvent): boolean {
  return target instanceof Element && target.closest('[role="dialog"], [role="menu"]') !== null
}

function isTyping({ target }: KeyboardEvent): boolean {
  return target instanceof HTMLElement && target.matches('input, textarea')
}
