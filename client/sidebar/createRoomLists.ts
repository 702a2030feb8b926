import { createMemo } from 'solid-js'
import type { RoomId } from '#schema/ids'
import type { MyRoom } from '#schema/messages/room'
import type { Chat } from '../chat/createChat.ts'

export type RoomLists = ReturnType<typeof createRoomLists>

/** Our rooms by name, and the people we talk to with those we heard of last before all others. */
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
      .filter(({ kind }) => kind === 'direct')
      .sort((a, b) => b.lastSeq - a.lastSeq),
  )

  return {
    rooms,
    directs,
    /** The one above or below, as they are shown, of those that are wanted; behind the last is the first. */
    beside(here: RoomId | undefined, step: 1 | -1, isWanted = (_room: MyRoom) => true) {
      const all = [...rooms(), ...directs()]
      const at = all.findIndex(({ id }) => id === here)
      const start = at < 0 && step < 0 ? 0 : at
      for (let away = 1; away <= all.length; away++) {
        const room = all.at((start + step * away) % all.length)
        if (room && room.id !== here && isWanted(room)) return room
      }
      return undefined
    },
  }
}
