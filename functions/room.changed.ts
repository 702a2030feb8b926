import { AudienceEnv, noteChange, rememberMembers } from '#domain/rooms/audience'
import { forgetMember } from '#domain/rooms/member'
import { defineFunction, event } from '#runtime'
import { roomChanged } from '#schema/messages/room'

/** Hears who came and went: in every process, since each remembers for itself. */
export default defineFunction(
  event(roomChanged),
  (change) => {
    noteChange(change)
    forgetMember(change.room, 'userId' in change ? change.userId : undefined)
  },
  {
    env: AudienceEnv,
    beforeServe: async ({ env }) => rememberMembers(env.ROOM_CACHE_SIZE),
  },
)
