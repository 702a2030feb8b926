import { and, count, eq, isNotNull, isNull, ne, type SQL, sql } from 'drizzle-orm'
import { type Context, FunctionError } from '#runtime'
import { db } from '#schema/db'
import type { RoomId, UserId } from '#schema/ids'
import { roomChanged } from '#schema/messages/member'
import type { Role, Room } from '#schema/messages/room'
import { ROOMS_KV } from '#schema/streams'
import { bans, invitations, members, rooms } from '#schema/tables/room'
import { enqueueEvents, flushOutbox, type UntimedEvent } from '../log/event-outbox.ts'
import { isAcceptable } from './invitation.ts'
import { indexMember, type MembershipKey, reconcileRooms, unindexRoom } from './member-index.ts'
import { replaceRoomKey } from './room-key.ts'
import { type Reader, type Transaction, withRoomLock } from './room-lock.ts'

export interface MembershipState {
  room: Room
  role: Role | undefined
  invitedAs: Role | undefined
  isBanned: boolean
}

export interface MembershipChange extends MembershipKey {
  by: UserId
}

export async function findMembershipState(
  { room, userId }: MembershipKey,
  from: Reader = db,
): Promise<MembershipState | undefined> {
  return (await findMembershipStates(room, [userId], from)).get(userId)
}

/** Returns an empty map for a room that does not exist or is archived. */
export async function findMembershipStates(
  id: RoomId,
  userIds: readonly UserId[],
  from: Reader,
): Promise<Map<UserId, MembershipState>> {
  const candidates = sql`unnest(${sql.param(userIds)}::text[]) as candidate (user_id)`
  const candidate = sql<UserId>`candidate.user_id`
  const rows = await from
    .select({
      userId: candidate,
      room: { id: rooms.id, name: rooms.name, kind: rooms.kind },
      role: members.role,
      invitedAs: invitations.role,
      bannedBy: bans.by,
    })
    .from(rooms)
    .innerJoin(candidates, sql`true`)
    .leftJoin(members, and(eq(members.room, rooms.id), eq(members.userId, candidate)))
    .leftJoin(invitations, isAcceptable(candidate))
    .leftJoin(bans, and(eq(bans.room, rooms.id), eq(bans.userId, candidate)))
    .where(and(eq(rooms.id, id), isNull(rooms.archivedAt)))
  return new Map(
    rows.map(({ userId, room, role, invitedAs, bannedBy }) => [
      userId,
      {
        room,
        role: role ?? undefined,
        invitedAs: invitedAs ?? undefined,
        isBanned: bannedBy !== null,
      },
    ]),
  )
}

export async function removeMember(
  membership: MembershipKey,
  context: Context,
  check: (state: MembershipState | undefined) => void,
): Promise<void> {
  await withRoomLock(membership.room, async (tx) => {
    const state = await findMembershipState(membership, tx)
    check(state)
    if (state?.role === 'owner') await requireOtherOwner(membership, tx, { mayBeAlone: true })
    await deleteMember({ ...membership, by: membership.userId }, 'leave', tx, context)
  })
  context.publish(roomChanged, { ...membership, action: 'leave' })
  await flushOutbox(membership.room, context)
}

/** Deletes a member from the database and the member index ROOMS_KV. The caller must hold the room lock. */
export async function deleteMember(
  { by, ...membership }: MembershipChange,
  action: 'leave' | 'kick',
  tx: Transaction,
  context: Context,
): Promise<void> {
  // The member index must be updated before the commit. If the process died between the commit and a
  // later update, the removed member could still read the room.
  await context.kv(ROOMS_KV).delete(`${membership.room}.${membership.userId}`)
  await replaceRoomKey(membership.room, context)
  await tx.delete(members).where(isMembership(membership))
  await enqueueEvents([{ kind: 'member', action, ...membership, by }], tx)
}

/**
 * Changes the role of a member to `to`. `decide` must throw if the change is not allowed, and
 * otherwise return the current role. Throws `conflict` if the room would lose its last owner.
 */
export async function changeRole(
  { by, to, ...membership }: MembershipChange & { to: Role },
  context: Context,
  decide: (state: MembershipState | undefined) => Role,
): Promise<void> {
  const from = await withRoomLock(membership.room, async (tx) => {
    const from = decide(await findMembershipState(membership, tx))
    if (from === 'owner' && to !== 'owner') await requireOtherOwner(membership, tx)
    await tx.update(members).set({ role: to }).where(isMembership(membership))
    const event = { kind: 'member', action: 'role', ...membership, role: to, by } as const
    if (from !== to) await enqueueEvents([event], tx)
    return from
  })
  await indexMember(membership, context)
  if (from !== to) await flushOutbox(membership.room, context)
}

interface RoomChange {
  room: RoomId
  by: UserId
}

export async function archiveRoom({ room, by }: RoomChange, context: Context): Promise<void> {
  const event = { kind: 'room', action: 'archive', room, by } as const
  const isArchived = await withRoomLock(room, async (tx) => {
    const set = { archivedAt: new Date() }
    const isUpdated = await updateRoom({ set, where: isNull(rooms.archivedAt), event }, tx)
    if (isUpdated) await unindexRoom(room, context)
    return isUpdated
  })
  if (!isArchived) return
  context.publish(roomChanged, { room, action: 'archive' })
  await flushOutbox(room, context)
}

/**
 * Restores an archived room. A second call only reconciles the member index ROOMS_KV, which
 * completes a restore that was interrupted.
 */
export async function restoreRoom({ room, by }: RoomChange, context: Context): Promise<void> {
  const event = { kind: 'room', action: 'restore', room, by } as const
  const isRestored = await db.transaction((tx) =>
    updateRoom({ set: { archivedAt: null }, where: isNotNull(rooms.archivedAt), event }, tx),
  )
  if (isRestored) await replaceRoomKey(room, context)
  // This is needed even if the room is no longer archived: an earlier call may have committed its
  // transaction, and its process may have died before this line.
  await reconcileRooms([room], context)
  if (!isRestored) return
  context.publish(roomChanged, { room, action: 'restore' })
  await flushOutbox(room, context)
}

export async function renameRoom(
  { room, by, name }: RoomChange & { name: string },
  context: Context,
): Promise<void> {
  const event = { kind: 'room', action: 'rename', room, name, by } as const
  const where = and(isNull(rooms.archivedAt), ne(rooms.name, name))
  const isRenamed = await db.transaction((tx) => updateRoom({ set: { name }, where, event }, tx))
  if (isRenamed) await flushOutbox(room, context)
}

interface RoomUpdate {
  set: Partial<typeof rooms.$inferInsert>
  where: SQL | undefined
  event: UntimedEvent
}

async function updateRoom({ set, where, event }: RoomUpdate, tx: Transaction): Promise<boolean> {
  const updated = await tx
    .update(rooms)
    .set(set)
    .where(and(eq(rooms.id, event.room), where))
    .returning({ id: rooms.id })
  if (updated.length === 0) return false
  await enqueueEvents([event], tx)
  return true
}

/**
 * Throws `conflict` if the room has no other owner. With `mayBeAlone`, does not throw if the room
 * has no other members.
 */
export async function requireOtherOwner(
  { room, userId }: MembershipKey,
  from: Reader,
  { mayBeAlone = false } = {},
): Promise<void> {
  const isOther = and(eq(members.room, room), ne(members.userId, userId))
  const [others] = await from
    .select({
      all: count(),
      owners: sql<number>`count(*) filter (where ${members.role} = 'owner')`.mapWith(Number),
    })
    .from(members)
    .where(isOther)
  if (others?.owners || (mayBeAlone && others?.all === 0)) return
  throw new FunctionError(
    'conflict',
    `${userId} is the last owner of room ${room}; appoint another first`,
  )
}

function isMembership({ room, userId }: MembershipKey) {
  return and(eq(members.room, room), eq(members.userId, userId))
}
