import { and, eq, ne } from 'drizzle-orm'
import { intersect } from 'drizzle-orm/pg-core'
import type { Context } from '#runtime'
import { db } from '#schema/db'
import type { RoomId, UserId } from '#schema/ids'
import { deliverInvitation } from '#schema/messages/member'
import { members } from '#schema/tables/room'
import type { MembershipKey } from './member-index.ts'
import type { Reader } from './room-lock.ts'

export async function acceptRequest({ room, userId }: MembershipKey, context: Context) {
  const accepted = await db
    .update(members)
    .set({ isRequest: false })
    .where(and(eq(members.room, room), eq(members.userId, userId), eq(members.isRequest, true)))
    .returning({ room: members.room })
  if (accepted.length > 0) context.publish(deliverInvitation, { user: userId, room })
}

export async function shareRoom(
  { one, other, direct }: { one: UserId; other: UserId; direct: RoomId },
  from: Reader,
): Promise<boolean> {
  // Uses `intersect` instead of an SQL join of the two lists, because each may have a thousand rooms.
  const roomsOf = (userId: UserId) =>
    from
      .select({ room: members.room })
      .from(members)
      .where(and(eq(members.userId, userId), ne(members.room, direct)))
  return (await intersect(roomsOf(one), roomsOf(other)).limit(1)).length > 0
}
