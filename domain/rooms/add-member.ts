import { and, eq, inArray, sql } from 'drizzle-orm'
import { type Context, FunctionError } from '#runtime'
import type { RoomId, UserId } from '#schema/ids'
import { deliverInvitation } from '#schema/messages/member'
import type { Role, Room } from '#schema/messages/room'
import { ROOMS_KV } from '#schema/streams'
import { invitations, members } from '#schema/tables/room'
import { batchCalls } from '../cache/batch-calls.ts'
import { enqueueEvents, flushOutbox } from '../log/event-outbox.ts'
import { indexMembers, type MembershipKey, reindexRooms } from './member-index.ts'
import { findMembershipStates, type MembershipChange, type MembershipState } from './membership.ts'
import { type Transaction, withSharedRoomLocks } from './room-lock.ts'

interface Decision {
  room: Room
  role: Role
}

interface Join {
  change: MembershipChange
  context: Context
  decide: (state: MembershipState | undefined) => Decision
}

const maxBatch = 200

/**
 * Many users may join a room at once. Their memberships are therefore written in batches, each with
 * two transactions.
 */
const join = batchCalls<RoomId, Join, Room>(maxBatch, addMembers)

/**
 * Adds a member with the role that `decide` returns, and deletes their invitation. An existing member
 * keeps their role, and is added to the member index ROOMS_KV if the entry is missing there. If `decide`
 * throws, nothing changes.
 */
export function addMember(
  change: MembershipChange,
  context: Context,
  decide: Join['decide'],
): Promise<Room> {
  return join(change.room, { change, context, decide })
}

async function addMembers(
  room: RoomId,
  joins: readonly Join[],
): Promise<PromiseSettledResult<Room>[]> {
  const { context } = joins[0] as Join
  const { decisions, invited } = await withSharedRoomLocks([room], (tx) =>
    insertMembers(room, joins, tx),
  )
  const keys = joins.flatMap(({ change: { userId } }, index) =>
    decisions[index]?.status === 'fulfilled' ? [{ room, userId }] : [],
  )
  const indexed = new Set(keys.length > 0 ? await publishMembers(keys, context) : [])
  for (const user of invited) context.publish(deliverInvitation, { user, room })

  return decisions.map((decision, index) => {
    if (decision.status === 'rejected') return decision
    const { userId } = (joins[index] as Join).change
    if (indexed.has(userId)) return { status: 'fulfilled', value: decision.value.room }
    // The join is committed, and still valid if the room was archived. So this is not `forbidden`.
    const reason = `Room ${room} was archived or ${userId} was removed meanwhile; try again`
    return { status: 'rejected', reason: new FunctionError('unavailable', reason) }
  })
}

async function insertMembers(room: RoomId, joins: readonly Join[], tx: Transaction) {
  const users = [...new Set(joins.map(({ change }) => change.userId))]
  const states = await findMembershipStates(room, users, tx)
  const decisions = await Promise.allSettled(
    joins.map(async ({ change, decide }) => decide(states.get(change.userId))),
  )
  // If a user joins twice at once, the first call counts.
  const rows = new Map<UserId, { role: Role; by: UserId }>()
  for (const [index, { change }] of joins.entries()) {
    const decision = decisions[index]
    if (decision?.status === 'fulfilled' && !rows.has(change.userId))
      rows.set(change.userId, { role: decision.value.role, by: change.by })
  }
  if (rows.size === 0) return { decisions, invited: [] }

  const values = [...rows].map(([userId, { role }]) => ({ room, userId, role }))
  // All processes insert members in the order of their user ids. Otherwise, two batches with the
  // same users could deadlock.
  values.sort((a, b) => (a.userId < b.userId ? -1 : 1))
  const added = await tx.insert(members).values(values).onConflictDoNothing().returning()
  if (added.length === 0) return { decisions, invited: [] }

  await markReadUpToHeads(added, tx)
  const events = added.map(({ userId, role }) => {
    const by = rows.get(userId)?.by ?? userId
    return { kind: 'member', action: 'join', room, userId, role, by } as const
  })
  await enqueueEvents(events, tx)
  const isInvited = inArray(
    invitations.userId,
    added.map(({ userId }) => userId),
  )
  const invited = await tx
    .delete(invitations)
    .where(and(eq(invitations.room, room), isInvited))
    .returning({ userId: invitations.userId })
  return { decisions, invited: invited.map(({ userId }) => userId) }
}

/** Marks rooms as read for new members. Members who return keep their earlier read positions. */
export async function markReadUpToHeads(
  keys: readonly MembershipKey[],
  tx: Transaction,
): Promise<void> {
  await tx.execute(sql`
    insert into read_states (room, user_id, seq)
    select member.room, member.user_id, room_heads.seq
    from unnest(
      ${sql.param(keys.map(({ room }) => room))}::text[],
      ${sql.param(keys.map(({ userId }) => userId))}::text[]
    ) as member (room, user_id)
    join room_heads on room_heads.room = member.room
    on conflict do nothing`)
}

/**
 * Adds committed memberships to the member index ROOMS_KV, and their events to the stream
 * CHAT_MESSAGES. Returns the users whose memberships still exist.
 */
export async function publishMembers(
  keys: readonly MembershipKey[],
  context: Context,
): Promise<UserId[]> {
  const ids = [...new Set(keys.map(({ room }) => room))]
  for (const id of ids) if (!(await context.kv(ROOMS_KV).get(id))) await reindexRooms([id], context)
  const indexed = await indexMembers(keys, context)
  for (const id of ids) await flushOutbox(id, context)
  return indexed.map(({ userId }) => userId)
}
