import { createMemo } from 'solid-js'
import type { RoomId } from '#schema/ids'
import type { MyRoom } from '#schema/messages/room'
import type { Chat } from '../chat/createChat.ts'
import { byActivity } from '../chat/createRoomList.ts'

export type RoomLists = ReturnType<typeof createRoomLists>

export function createRoomLists(chat: Chat, code: () => string) {
  const byName = (a: MyRoom, b: MyRoom) => chat.titleOf(a).localeCompare(chat.titleOf(b), code())
  const rooms = createMemo(() =>
    chat.rooms
      .list()
      .filter(({ kind }) => kind !== 'direct')
      .sort(byName),
  )
  const directs = createMemo(() =>
    chat.rooms
      .list()
      .filter(({ kind, isRequest, isBlocked }) => kind === 'direct' && !isRequest && !isBlocked)
      .sort(byActivity),
  )
  const requests = createMemo(() =>
    chat.rooms.list().filter(({ isRequest, isBlocked }) => isRequest && !isBlocked),
  )

  return {
    rooms,
    directs,
    requests,
    /**
     * Returns the next room below (`step` 1) or above (`step` -1) the current one for which
     * `accepts` is true. Wraps around.
     */
    adjacent(current: RoomId | undefined, step: 1 | -1, accepts = (_room: MyRoom) => true) {
      const all = [...rooms(), ...directs()]
      const index = all.findIndex(({ id }) => id === current)
      const start = index < 0 && step < 0 ? 0 : index
      for (let distance = 1; distance <= all.length; distance++) {
        const room = all.at((start + step * distance) % all.length)
        if (room && room.id !== current && accepts(room)) return room
      }
      return undefined
    },
  }
}
