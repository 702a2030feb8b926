import { AudienceEnv, applyRoomChange, resizeMemberCache } from '#domain/rooms/audience'
import { evictMember } from '#domain/rooms/member'
import { defineFunction, event } from '#runtime'
import { roomChanged } from '#schema/messages/member'

/** Has no queue group, because each process updates its own caches. */
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
