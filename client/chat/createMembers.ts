import type { OutputOf } from '#runtime'
import type { RoomId } from '#schema/ids'
import type { roomInfo } from '#schema/messages/room'
import type { ChatClient } from '../nats/chatClient.ts'
import { createIdMap } from './createIdMap.ts'
import type { Rooms } from './createRooms.ts'

export type RoomMember = OutputOf<typeof roomInfo>['members'][number]

export function createMembers(client: ChatClient, rooms: Rooms) {
  const byRoom = createIdMap<RoomId, readonly RoomMember[]>()
  const fresh = new Set<RoomId>()
  const watched = new Set<RoomId>()

  async function load(room: RoomId) {
    const answer = await client.try('room.info', { room })
    if (answer.ok) byRoom.set(room, answer.value.members)
    else fresh.delete(room)
  }

  return {
    /** Returns undefined until `ensureLoaded` has loaded the members. */
    of: (room: RoomId): readonly RoomMember[] | undefined => byRoom.get(room),
    ensureLoaded(room: RoomId) {
      if (fresh.has(room)) return
      fresh.add(room)
      if (!watched.has(room))
        rooms.listen(room, ({ kind }) => kind === 'member' && fresh.delete(room))
      watched.add(room)
      void load(room)
    },
    /**
     * Makes the next `ensureLoaded` load the members again. Called after a reconnect, because the
     * page misses changes while it is disconnected.
     */
    invalidate: () => fresh.clear(),
  }
}
