import { and, eq, sql } from 'drizzle-orm'
import { countUnread } from '#domain/messages/unread-count'
import { requireMember } from '#domain/rooms/member'
import { type Context, defineFunction } from '#runtime'
import { db } from '#schema/db'
import type { RoomId, UserId } from '#schema/ids'
import { chatRoom, chatThread } from '#schema/messages/event'
import { deliverRead, readUpdate } from '#schema/messages/room'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'
import { roomHeads } from '#schema/tables/message'
import { readStates } from '#schema/tables/room'

/** Keeps how far the caller has read, and tells them wherever else they are. */
export default defineFunction(
  readUpdate,
  async ({ room, seq, unread: back }, context) => {
    const { user } = await requireMember(room, context)
    const place = await findPosition(room, seq, context)
    const moved = await saveReadPosition({ room, user, place, back })
    const read = moved ?? (await findReadPosition(room, user))

    const state = { seq: read, ...(await countUnread(room, read, user)) }
    if (moved !== undefined) context.publish(deliverRead, { user, room, ...state, back })
    return state
  },
  { resources: [CHAT_MESSAGES, ROOMS_KV], limit: { max: 600, windowMs: 60_000 } },
)

/**
 * A place that the room has come to. What has just been said is in the log and perhaps not yet in the
 * database, and whoever has seen it has read it.
 */
async function findPosition(room: RoomId, seq: number, context: Context): Promise<number> {
  const [row] = await db.select().from(roomHeads).where(eq(roomHeads.room, room))
  const head = row?.seq ?? 0
  if (seq <= head) return seq
  const event =
    (await context.read(CHAT_MESSAGES, chatRoom, seq)) ??
    (await context.read(CHAT_MESSAGES, chatThread, seq))
  return event?.data.room === room ? seq : head
}

interface ReadPosition {
  room: RoomId
  user: UserId
  place: number
  back: boolean
}

/** Answers with where the caller is now; undefined if that is where they were, or they were further. */
async function saveReadPosition({
  room,
  user,
  place,
  back,
}: ReadPosition): Promise<number | undefined> {
  const isMove = back
    ? sql`${readStates.seq} <> excluded.seq`
    : sql`${readStates.seq} < excluded.seq`
  const [row] = await db
    .insert(readStates)
    .values({ room, userId: user, seq: place })
    .onConflictDoUpdate({
      target: [readStates.room, readStates.userId],
      set: { seq: place },
      setWhere: isMove,
    })
    .returning()
  return row?.seq
}

async function findReadPosition(room: RoomId, user: UserId): Promise<number> {
  const mine = and(eq(readStates.room, room), eq(readStates.userId, user))
  const [row] = await db.select().from(readStates).where(mine)
  return row?.seq ?? 0
}
