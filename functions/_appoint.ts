import { and, eq } from 'drizzle-orm'
import type { Context } from '#runtime'
import { db } from '#schema/db'
import type { UserId } from '#schema/ids'
import type { Role, Room } from '#schema/messages/room'
import { members } from '#schema/tables/room'
import { enterIndex } from './_index.ts'
import { logMember, requireOtherOwner } from './_rooms.ts'

/** Gives a member another role. Throws `conflict` where the last owner would be one no more. */
export async function appoint(
  room: Room,
  { userId, from, to, by }: { userId: UserId; from: Role; to: Role; by: UserId },
  context: Context,
): Promise<void> {
  if (from === 'owner' && to !== 'owner') await requireOtherOwner(room.id, userId)
  const mine = and(eq(members.room, room.id), eq(members.userId, userId))
  const changed = await db.update(members).set({ role: to }).where(mine).returning()
  if (changed.length === 0) return
  await enterIndex({ room: room.id, kind: room.kind, userId, role: to }, context)
  if (from !== to) await logMember({ room: room.id, action: 'role', userId, role: to, by }, context)
}
