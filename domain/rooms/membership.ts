import { and, count, eq, isNotNull, isNull, ne, type SQL, sql } from 'drizzle-orm'
import { type Context, FunctionError } from '#runtime'
import { db } from '#schema/db'
import type { RoomId, UserId } from '#schema/ids'
import { deliverInvitation, roomChanged } from '#schema/messages/member'
import type { Role, Room } from '#schema/messages/room'
import { ROOMS_KV } from '#schema/streams'
import { roomHeads } from '#schema/tables/message'
import { bans, invitations, members, readStates, rooms } from '#schema/tables/room'
import { enqueueEvents, flushOutbox, type UntimedEvent } from '../log/event-outbox.ts'
import { deleteInvitation, isAcceptable } from './invitation.ts'
import {
  indexMember,
  type MembershipKey,
  reconcileRooms,
  reindexRooms,
  unindexRoom,
} from './member-index.ts'
import { replaceRoomKey } from './room-key.ts'
import { type Reader, type Transaction, withRoomLock, withSharedRoomLocks } from './room-lock.ts'

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
  { room: id, userId }: MembershipKey,
  from: Reader = db,
): Promise<MembershipState | undefined> {
  const [row] = await from
    .select({
      room: { id: rooms.id, name: rooms.name, kind: rooms.kind },
      role: members.role,
      invitedAs: invitations.role,
      bannedBy: bans.by,
    })
    .from(rooms)
    .leftJoin(members, and(eq(members.room, rooms.id), eq(members.userId, userId)))
    .leftJoin(invitations, isAcceptable(userId))
    .leftJoin(bans, and(eq(bans.room, rooms.id), eq(bans.userId, userId)))
    .where(and(eq(rooms.id, id), isNull(rooms.archivedAt)))
  if (!row) return undefined
  const { room, role, invitedAs, bannedBy } = row
  return {
    room,
    role: role ?? undefined,
    invitedAs: invitedAs ?? undefined,
    isBanned: bannedBy !== null,
  }
}

/**
 * Adds a member with the role that `decide` returns, and deletes their invitation. An existing member
 * keeps their role, and is added to the member index ROOMS_KV if the entry is missing there.
 */
export async function addMember(
  { by, ...membership }: MembershipChange,
  context: Context,
  decide: (state: MembershipState | undefined) => { room: Room; role: Role },
): Promise<Room> {
  const { room: id, userId } = membership
  const { room, isNew, wasInvited } = await withSharedRoomLocks([id], async (tx) => {
    const decided = decide(await findMembershipState(membership, tx))
    const member = { room: id, userId, role: decided.role }
    const added = await tx.insert(members).values(member).onConflictDoNothing().returning()
    const isNew = added.length > 0
    if (isNew) {
      await markReadUpToHead(membership, tx)
      await enqueueEvents([{ kind: 'member', action: 'join', ...member, by }], tx)
    }
    return { ...decided, isNew, wasInvited: isNew && (await deleteInvitation(membership, tx)) }
  })

  if (!(await context.kv(ROOMS_KV).get(id))) await reindexRooms([id], context)
  if (!(await indexMember(membership, context)))
    throw new FunctionError('forbidden', `${userId} is no longer a member of room ${id}`)
  if (wasInvited) context.publish(deliverInvitation, { user: userId, room: id })
  if (isNew) await flushOutbox(id, context)
  return room
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
 * Changes the role of a member to `to`. `decide` must return the current role. Throws `conflict` if the room
 * would lose its last owner.
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
  // Needed even if the room is no longer archived: the process of an earlier call may have died
  // after its transaction and before this line.
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

/** Marks a room as read for a new member. A member who returns keeps their earlier read position. */
async function markReadUpToHead({ room, userId }: MembershipKey, tx: Transaction): Promise<void> {
  const [head] = await tx.select().from(roomHeads).where(eq(roomHeads.room, room))
  if (!head) return
  await tx.insert(readStates).values({ room, userId, seq: head.seq }).onConflictDoNothing()
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
