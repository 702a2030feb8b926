import type { Client } from '#runtime/client'
import type { contracts } from '#schema/contracts'

interface Acceptance {
  room: string
  userId: string
  inviter: Client<typeof contracts>
  invitee: Client<typeof contracts>
}

export async function inviteAndJoin({ room, userId, inviter, invitee }: Acceptance): Promise<void> {
  await inviter.call('room.invite', { room, userId })
  await invitee.call('room.join', { room })
}
