import { and, eq, sql } from 'drizzle-orm'
import type { Context } from '#runtime'
import { db } from '#schema/db'
import type { RoomId, UserId } from '#schema/ids'
import { chatRoom, chatThread } from '#schema/messages/event'
import { CHAT_MESSAGES } from '#schema/streams'
import { roomHeads } from '#schema/tables/message'
import { readStates } from '#schema/tables/room'

/**
 * Returns the requested read position `seq` if an event of the room has this sequence, or if it is
 * not above the room head (the sequence of the last persisted event). Otherwise, returns the room
 * head.
 */
export async function clampToRoomHead(room: RoomId, seq: number, context: Context) {
  const [row] = await db.select().from(roomHeads).where(eq(roomHeads.room, room))
  const head = row?.seq ?? 0
  if (seq <= head) return seq
  // Clients receive events before they are persisted, so the event may not be in the database yet.
  const event =
    (await context.read(CHAT_MESSAGES, chatRoom, seq)) ??
    (await context.read(CHAT_MESSAGES, chatThread, seq))
  return event?.data.room === room ? seq : head
}

export interface ReadPosition {
  room: RoomId
  user: UserId
  seq: number
  back: boolean
}

export async function saveReadPosition({
  room,
  user,
  seq,
  back,
}: ReadPosition): Promise<number | undefined> {
  const isMove = back
    ? sql`${readStates.seq} <> excluded.seq`
    : sql`${readStates.seq} < excluded.seq`
  const [row] = await db
    .insert(readStates)
    .values({ room, userId: user, seq })
    .onConflictDoUpdate({
      target: [readStates.room, readStates.userId],
      set: { seq },
      setWhere: isMove,
    })
    .returning()
  return row?.seq
}

export async function findReadPosition(room: RoomId, user: UserId): Promise<number> {
  const isOwn = and(eq(readStates.room, room), eq(readStates.userId, user))
  const [row] = await db.select().from(readStates).where(isOwn)
  return row?.seq ?? 0
}
