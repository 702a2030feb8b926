import { createStore } from 'solid-js/store'
import type { OutputOf } from '#runtime'
import type { RoomId } from '#schema/ids'
import type { roomInfo } from '#schema/messages/room'
import type { ChatClient } from '../nats/chatClient.ts'
import type { Rooms } from './createRooms.ts'

export type RoomMember = OutputOf<typeof roomInfo>['members'][number]

/** Who belongs to a room, of those that somebody has asked about. */
export function createMembers(client: ChatClient, rooms: Rooms) {
  const [byRoom, setByRoom] = createStore<Record<RoomId, readonly RoomMember[]>>({})
  /** What is known of these is as it is now. */
  const fresh = new Set<RoomId>()
  const heard = new Set<RoomId>()

  async function look(room: RoomId) {
    const answer = await client.try('room.info', { room })
    if (answer.ok) setByRoom(room, answer.value.members)
    else fresh.delete(room)
  }

  return {
    /** As far as is known: nothing before `want` has had its answer. */
    of: (room: RoomId): readonly RoomMember[] | undefined => byRoom[room],
    /** Whoever is about to use it says so: what has changed meanwhile is found out then, and not before. */
    want(room: RoomId) {
      if (fresh.has(room)) return
      fresh.add(room)
      if (!heard.has(room))
        rooms.listen(room, ({ kind }) => kind === 'member' && fresh.delete(room))
      heard.add(room)
      void look(room)
    },
    /** The connection was away: what was told meanwhile is not known. */
    renew: () => fresh.clear(),
  }
}
