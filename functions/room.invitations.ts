import { listInvitations } from '#domain/rooms/invitation'
import { readCaller } from '#domain/rooms/member'
import { defineFunction } from '#runtime'
import { roomInvitations } from '#schema/messages/member'

export default defineFunction(
  roomInvitations,
  async (_input, context) => ({ invitations: await listInvitations(readCaller(context)) }),
  { limit: { max: 120, windowMs: 60_000 } },
)
