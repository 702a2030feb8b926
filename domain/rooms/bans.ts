import { and, desc, eq } from 'drizzle-orm'
import type { Context } from '#runtime'
import { db } from '#schema/db'
import type { RoomId } from '#schema/ids'
import { deliverInvitation, roomChanged } from '#schema/messages/member'
import { ROOMS_KV } from '#schema/streams'
import { bans } from '#schema/tables/room'
import { users } from '#schema/tables/user'
import { flushOutbox } from '../log/event-outbox.ts'
import { publicUser } from '../users/directory.ts'
import { deleteInvitations } from './invitation.ts'
import { type MembershipKey, reindexRooms } from './member-index.ts'
import {
  deleteMember,
  findMembershipState,
  type MembershipChange,
  type MembershipState,
  requireOtherOwner,
} from './membership.ts'
import { withRoomLock } from './room-lock.ts'

const maxListed = 500

/**
 * Bans a user from a room, and deletes their membership and the invitations that they have received or sent.
 * Throws `conflict` for the last owner.
 */
export async function banUser(
  { by, ...membership }: MembershipChange,
  context: Context,
  check: (state: MembershipState | undefined) => void,
): Promise<void> {
  const { room: id } = membership
  const revoked = await withRoomLock(id, async (tx) => {
    const state = await findMembershipState(membership, tx)
    check(state)
    if (!state || (state.isBanned && !state.role)) return undefined
    if (state.role === 'owner') await requireOtherOwner(membership, tx)

    await tx
      .insert(bans)
      .values({ ...membership, by })
      .onConflictDoNothing()
    const revoked = await deleteInvitations(membership, tx)
    await context.kv(ROOMS_KV).put(id, { kind: state.room.kind, closed: true })
    // The ban of a user who is not a member causes no event, because the event would reveal a
    // private room to this user.
    if (state.role) await deleteMember({ ...membership, by }, 'kick', tx, context)
    return revoked
  })
  if (!revoked) return
  context.publish(roomChanged, { ...membership, action: 'leave' })
  for (const user of revoked) context.publish(deliverInvitation, { user, room: id })
  await flushOutbox(id, context)
}

export async function unbanUser(membership: MembershipKey, context: Context): Promise<void> {
  const { room, userId } = membership
  const lifted = await withRoomLock(room, (tx) =>
    tx
      .delete(bans)
      .where(and(eq(bans.room, room), eq(bans.userId, userId)))
      .returning({ userId: bans.userId }),
  )
  if (lifted.length > 0) await reindexRooms([room], context)
}

export async function listBans(room: RoomId) {
  // The bans are limited before the join below: otherwise, PostgreSQL would read the names of all
  // users.
  const newest = db
    .select()
    .from(bans)
    .where(eq(bans.room, room))
    .orderBy(desc(bans.at), desc(bans.userId))
    .limit(maxListed)
    .as('newest')
  const rows = await db
    .select({ userId: newest.userId, by: newest.by, at: newest.at, name: publicUser.name })
    .from(newest)
    .leftJoin(users, eq(users.id, newest.userId))
    .orderBy(desc(newest.at), desc(newest.userId))
  return rows.map(({ at, name, ...ban }) => ({
    ...ban,
    name: name ?? ban.userId,
    at: at.toISOString(),
  }))
}
