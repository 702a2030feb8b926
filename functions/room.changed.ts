import { AudienceEnv, applyRoomChange, resizeMemberCache } from '#domain/rooms/audience'
import { evictMember } from '#domain/rooms/member'
import { defineFunction, event } from '#runtime'
import { roomChanged } from '#schema/messages/room'

/** Hears who came and went: in every process, since each remembers for itself. */
export default defineFunction(
  event(roomChanged),
  (change) => {
    applyRoomChange(change)
    evictMember(change.room, 'userId' in change ? change.userId : undefined)
  },
  {
    env: AudienceEnv,
    beforeServe: async ({ env }) => resizeMemberCache(env.ROOM_CACHE_SIZE),
  },
)
