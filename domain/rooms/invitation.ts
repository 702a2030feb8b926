import { and, desc, eq, inArray, isNull, or, type SQL, sql } from 'drizzle-orm'
import { db } from '#schema/db'
import type { RoomId, UserId } from '#schema/ids'
import type { Role } from '#schema/messages/room'
import { invitations, rooms } from '#schema/tables/room'
import type { MembershipKey } from './member-index.ts'
import type { Transaction } from './room-lock.ts'

const maxListed = 100

/**
 * Stores an invitation to a room. If the user has declined an earlier invitation to the room, the
 * new one is `quiet`: the user can accept it, but it is not listed. Returns true if the user had no
 * invitation to the room before, not even a declined one.
 */
export async function insertInvitation(
  invitation: MembershipKey & { by: UserId; role: Role },
  tx: Transaction,
): Promise<boolean> {
  const added = await tx
    .insert(invitations)
    .values(invitation)
    .onConflictDoNothing()
    .returning({ room: invitations.room })
  if (added.length > 0) return true
  const { by, role } = invitation
  await tx
    .update(invitations)
    .set({ state: 'quiet', by, role, at: sql`now()` })
    .where(and(isInvitation(invitation), eq(invitations.state, 'declined')))
  return false
}

export async function declineInvitation(invitation: MembershipKey): Promise<boolean> {
  const declined = await db
    .update(invitations)
    .set({ state: 'declined' })
    .where(isInvitation(invitation))
    .returning({ room: invitations.room })
  return declined.length > 0
}

export async function listInvitations(userId: UserId) {
  const rows = await db
    .select({
      room: { id: rooms.id, name: rooms.name, kind: rooms.kind },
      by: invitations.by,
      at: invitations.at,
    })
    .from(invitations)
    .innerJoin(rooms, eq(rooms.id, invitations.room))
    .where(
      and(
        eq(invitations.userId, userId),
        eq(invitations.state, 'pending'),
        isNull(rooms.archivedAt),
      ),
    )
    .orderBy(desc(invitations.at))
    .limit(maxListed)
  return rows.map(({ at, ...invitation }) => ({ ...invitation, at: at.toISOString() }))
}

/** The condition of an SQL join of `invitations` with `rooms`: the user is invited, and has not declined. */
export function isAcceptable(userId: UserId | SQL<UserId>) {
  return and(
    eq(invitations.room, rooms.id),
    eq(invitations.userId, userId),
    inArray(invitations.state, ['pending', 'quiet']),
  )
}

export async function deleteInvitations(
  { room, userId }: MembershipKey,
  tx: Transaction,
): Promise<UserId[]> {
  const isOwn = or(eq(invitations.userId, userId), eq(invitations.by, userId))
  const deleted = await tx
    .delete(invitations)
    .where(and(eq(invitations.room, room), isOwn))
    .returning({ userId: invitations.userId })
  return deleted.map((invitation) => invitation.userId)
}

export async function deletePendingInvitations({
  userId,
  by,
}: {
  userId: UserId
  by: UserId
}): Promise<RoomId[]> {
  const isPending = and(eq(invitations.userId, userId), eq(invitations.state, 'pending'))
  const deleted = await db
    .delete(invitations)
    .where(and(isPending, eq(invitations.by, by)))
    .returning({ room: invitations.room })
  return deleted.map(({ room }) => room)
}

function isInvitation({ room, userId }: MembershipKey) {
  return and(eq(invitations.room, room), eq(invitations.userId, userId))
}
