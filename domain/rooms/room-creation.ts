import { and, eq, isNull } from 'drizzle-orm'
import { FunctionError } from '#runtime'
import { db } from '#schema/db'
import type { RoomId, UserId } from '#schema/ids'
import type { Room } from '#schema/messages/room'
import { members, rooms } from '#schema/tables/room'
import { enqueueEvents } from '../log/event-outbox.ts'
import { shareRoom } from './message-request.ts'

export function insertOwnedRoom({ id, name, kind }: Room, owner: UserId): Promise<boolean> {
  return db.transaction(async (tx) => {
    const created = await tx
      .insert(rooms)
      .values({ id, name, kind })
      .onConflictDoNothing()
      .returning()
    if (created.length === 0) return false
    const membership = { room: id, userId: owner, role: 'owner' } as const
    await tx.insert(members).values(membership)
    await enqueueEvents(
      [
        { kind: 'room', action: 'create', room: id, name, by: owner },
        { kind: 'member', action: 'join', ...membership, by: owner },
      ],
      tx,
    )
    return true
  })
}

export async function isOwnedRoom({ id, name, kind }: Room, owner: UserId): Promise<boolean> {
  const [membership] = await db
    .select({ role: members.role })
    .from(rooms)
    .innerJoin(members, and(eq(members.room, rooms.id), eq(members.userId, owner)))
    .where(
      and(eq(rooms.id, id), eq(rooms.name, name), eq(rooms.kind, kind), isNull(rooms.archivedAt)),
    )
  return membership?.role === 'owner'
}

/**
 * Inserts a direct room and its members if they are missing, and enqueues an event for each inserted row. If
 * the two users share no other room, the room is a message request from `by` to the other user.
 */
export async function insertDirectRoom(
  room: Room,
  pair: readonly UserId[],
  by: UserId,
): Promise<void> {
  const memberships = pair.map((userId) => ({ room: room.id, userId, role: 'member' as const }))
  await db.transaction(async (tx) => {
    const created = await tx.insert(rooms).values(room).onConflictDoNothing().returning()
    const strangers: UserId[] = []
    for (const user of pair)
      if (user !== by && !(await shareRoom({ one: by, other: user, direct: room.id }, tx)))
        strangers.push(user)
    const rows = memberships.map((membership) => ({
      ...membership,
      isRequest: strangers.includes(membership.userId),
    }))
    const added = await tx.insert(members).values(rows).onConflictDoNothing().returning()
    const joined = memberships.filter(({ userId }) => added.some((row) => row.userId === userId))
    const events = [
      ...created.map(({ id }) => ({ kind: 'room', action: 'create', room: id, by }) as const),
      ...joined.map((member) => ({ kind: 'member', action: 'join', ...member, by }) as const),
    ]
    if (events.length > 0) await enqueueEvents(events, tx)
  })
}

/**
 * Returns the persisted members of a direct room. In the map, the value of a member is true if the
 * room is a message request to this member. Returns no members if the room does not exist. Throws
 * `forbidden` for an archived room, and for a room of another kind with this id.
 */
export async function findDirectMembers(id: RoomId): Promise<ReadonlyMap<UserId | null, boolean>> {
  const rows = await db
    .select({
      kind: rooms.kind,
      archivedAt: rooms.archivedAt,
      member: members.userId,
      isRequest: members.isRequest,
    })
    .from(rooms)
    .leftJoin(members, eq(members.room, rooms.id))
    .where(eq(rooms.id, id))
  if (rows.some((room) => room.kind !== 'direct' || room.archivedAt))
    throw new FunctionError('forbidden', `Room ${id} does not exist, or you may not use it`)
  return new Map(rows.map(({ member, isRequest }) => [member, isRequest ?? false]))
}
