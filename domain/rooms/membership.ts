import { and, count, eq, isNotNull, isNull, ne, sql } from 'drizzle-orm'
import { type Context, FunctionError } from '#runtime'
import { db } from '#schema/db'
import type { RoomId, UserId } from '#schema/ids'
import { type Role, type Room, roomChanged } from '#schema/messages/room'
import { ROOMS_KV } from '#schema/streams'
import { roomHeads } from '#schema/tables/message'
import { bans, members, readStates, rooms } from '#schema/tables/room'
import { enqueueEvents, flushOutbox } from '../log/event-outbox.ts'
import {
  indexMember,
  type MembershipKey,
  reconcileRooms,
  reindexRooms,
  unindexRoom,
} from './member-index.ts'
import { type Reader, type Transaction, withRoomLock, withSharedRoomLocks } from './room-lock.ts'

/** A room, and what the database says of somebody in it. */
export interface MembershipState {
  room: Room
  /** Undefined for who is no member. */
  role: Role | undefined
  isBanned: boolean
}

/** Who is done something to, and who does it. */
interface MembershipChange extends MembershipKey {
  by: UserId
}

/** Undefined where there is no such room, or it is archived. */
export async function findMembershipState(
  { room: id, userId }: MembershipKey,
  from: Reader = db,
): Promise<MembershipState | undefined> {
  const [found] = await from
    .select({
      room: { id: rooms.id, name: rooms.name, kind: rooms.kind },
      role: members.role,
      bannedBy: bans.by,
    })
    .from(rooms)
    .leftJoin(members, and(eq(members.room, rooms.id), eq(members.userId, userId)))
    .leftJoin(bans, and(eq(bans.room, rooms.id), eq(bans.userId, userId)))
    .where(and(eq(rooms.id, id), isNull(rooms.archivedAt)))
  if (!found) return undefined
  const { room, role, bannedBy } = found
  return { room, role: role ?? undefined, isBanned: bannedBy !== null }
}

/**
 * Makes a member of somebody, in the role that `decide` answers; it throws where they may not come in.
 * Whoever is one already stays what they are, and is put back where the index has lost them.
 */
export async function addMember(
  { by, ...place }: MembershipChange,
  context: Context,
  decide: (standing: MembershipState | undefined) => { room: Room; role: Role },
): Promise<Room> {
  const { room: id, userId } = place
  const { room, isBanned, isNew } = await withSharedRoomLocks([id], async (tx) => {
    const standing = await findMembershipState(place, tx)
    const decided = decide(standing)
    const isBanned = standing?.isBanned ?? false
    if (isBanned) await tx.delete(bans).where(and(eq(bans.room, id), eq(bans.userId, userId)))
    const mine = { room: id, userId, role: decided.role }
    const added = await tx.insert(members).values(mine).onConflictDoNothing().returning()
    const isNew = added.length > 0
    if (isNew) {
      await markReadUpToHead(place, tx)
      await enqueueEvents([{ kind: 'member', action: 'join', ...mine, by }], tx)
    }
    return { ...decided, isBanned, isNew }
  })

  if (isBanned || !(await context.kv(ROOMS_KV).get(id))) await reindexRooms([id], context)
  if (!(await indexMember(place, context)))
    throw new FunctionError('forbidden', `${userId} does not belong to a room ${id} any more`)
  if (isNew) await flushOutbox(id, context)
  return room
}

/**
 * Ends a membership, unless `decide` says that there is nothing to end; it throws where this may not
 * be. Whoever is removed by somebody else is kept out until they are invited.
 */
export async function removeMember(
  { by, ...place }: MembershipChange,
  context: Context,
  decide: (standing: MembershipState | undefined) => boolean,
): Promise<void> {
  const { room: id, userId } = place
  const index = context.kv(ROOMS_KV)
  const isKick = by !== userId
  const isRemoved = await withRoomLock(id, async (tx) => {
    const standing = await findMembershipState(place, tx)
    if (!decide(standing) || !standing) return false
    const {
      room: { kind },
      role,
    } = standing
    if (role === 'owner') await requireOtherOwner(place, tx, { mayBeAlone: !isKick })

    // Before the commit: nobody reads on if this process dies after it.
    if (isKick) {
      await tx
        .insert(bans)
        .values({ ...place, by })
        .onConflictDoNothing()
      await index.put(id, { kind, closed: true })
    }
    await index.delete(`${id}.${userId}`)
    await tx.delete(members).where(isMembership(place))
    const action = isKick ? 'kick' : 'leave'
    await enqueueEvents([{ kind: 'member', action, ...place, by }], tx)
    return true
  })
  if (!isRemoved) return
  context.publish(roomChanged, { ...place, action: 'leave' })
  await flushOutbox(id, context)
}

/** Gives a member another role, if `decide` does not throw. Throws `conflict` for the last owner. */
export async function changeRole(
  { by, to, ...place }: MembershipChange & { to: Role },
  context: Context,
  decide: (standing: MembershipState | undefined) => Role,
): Promise<void> {
  const from = await withRoomLock(place.room, async (tx) => {
    const from = decide(await findMembershipState(place, tx))
    if (from === 'owner' && to !== 'owner') await requireOtherOwner(place, tx)
    await tx.update(members).set({ role: to }).where(isMembership(place))
    const event = { kind: 'member', action: 'role', ...place, role: to, by } as const
    if (from !== to) await enqueueEvents([event], tx)
    return from
  })
  await indexMember(place, context)
  if (from !== to) await flushOutbox(place.room, context)
}

/** A room that something is done to, and who does it. */
interface RoomChange {
  room: RoomId
  by: UserId
}

/** Takes a room out of everybody's reach, unless it is already. */
export async function archiveRoom({ room, by }: RoomChange, context: Context): Promise<void> {
  const isArchived = await withRoomLock(room, async (tx) => {
    const archived = await tx
      .update(rooms)
      .set({ archivedAt: new Date() })
      .where(and(eq(rooms.id, room), isNull(rooms.archivedAt)))
      .returning({ id: rooms.id })
    if (archived.length === 0) return false
    await unindexRoom(room, context)
    await enqueueEvents([{ kind: 'room', action: 'archive', room, by }], tx)
    return true
  })
  if (!isArchived) return
  context.publish(roomChanged, { room, action: 'archive' })
  await flushOutbox(room, context)
}

/** Gives an archived room back to who was in it, unless it is not archived. */
export async function restoreRoom({ room, by }: RoomChange, context: Context): Promise<void> {
  const isRestored = await db.transaction(async (tx) => {
    const restored = await tx
      .update(rooms)
      .set({ archivedAt: null })
      .where(and(eq(rooms.id, room), isNotNull(rooms.archivedAt)))
      .returning({ id: rooms.id })
    if (restored.length === 0) return false
    await enqueueEvents([{ kind: 'room', action: 'restore', room, by }], tx)
    return true
  })
  // Also if it was not: whoever asks again finishes what was begun before a process died.
  await reconcileRooms([room], context)
  if (!isRestored) return
  context.publish(roomChanged, { room, action: 'restore' })
  await flushOutbox(room, context)
}

/** Calls a room something else. */
export async function renameRoom(
  { room, by, name }: RoomChange & { name: string },
  context: Context,
): Promise<void> {
  const isRenamed = await db.transaction(async (tx) => {
    const renamed = await tx
      .update(rooms)
      .set({ name })
      .where(and(eq(rooms.id, room), isNull(rooms.archivedAt), ne(rooms.name, name)))
      .returning({ id: rooms.id })
    if (renamed.length === 0) return false
    await enqueueEvents([{ kind: 'room', action: 'rename', room, name, by }], tx)
    return true
  })
  if (isRenamed) await flushOutbox(room, context)
}

/** What was said before somebody came is not unread to them. Who comes back goes on where they were. */
async function markReadUpToHead({ room, userId }: MembershipKey, tx: Transaction): Promise<void> {
  const [head] = await tx.select().from(roomHeads).where(eq(roomHeads.room, room))
  if (!head) return
  await tx.insert(readStates).values({ room, userId, seq: head.seq }).onConflictDoNothing()
}

/** A room with an owner keeps one, unless the last of them may go as the last of all. */
async function requireOtherOwner(
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
  throw new FunctionError('conflict', `${userId} is the last owner of ${room}: name another first`)
}

function isMembership({ room, userId }: MembershipKey) {
  return and(eq(members.room, room), eq(members.userId, userId))
}
