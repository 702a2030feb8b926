/** One page of a room's history, by each of those that are measured. */
import { and, desc, eq, lt } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/postgres-js'
import postgres from 'postgres'
import { toMessage } from '../../functions/_message.ts'
import { readPage } from '../../functions/_page.ts'
import type { RoomId } from '../../schema/ids.ts'
import { messages } from '../../schema/tables/message.ts'

export interface Asked {
  room: RoomId
  before: number
  limit: number
}

/** Answers with a page as `chat.history` does. */
export type Reader = (asked: Asked) => Promise<{ messages: unknown[]; more: boolean }>

/** As many connections as schema/db.ts has. */
const poolSize = 8

export const readers = {
  raw(url: string): Reader {
    const sql = postgres(url, { max: poolSize })
    return async ({ room, before, limit }) => {
      const rows = await sql`
        select id, room, seq, sender, client_id, text, at from messages
        where room = ${room} and seq < ${before} order by seq desc limit ${limit + 1}`
      const page = rows.slice(0, limit).map(({ id, room, seq, sender, client_id, text, at }) => ({
        id,
        room,
        seq: Number(seq),
        sender,
        clientId: client_id,
        text,
        at: at.toISOString(),
      }))
      return { messages: page.reverse(), more: rows.length > limit }
    }
  },

  plain(url: string): Reader {
    const db = drizzle(postgres(url, { max: poolSize }))
    return async ({ room, before, limit }) => {
      const rows = await db
        .select()
        .from(messages)
        .where(and(eq(messages.room, room), lt(messages.seq, before)))
        .orderBy(desc(messages.seq))
        .limit(limit + 1)
      const page = rows.slice(0, limit).map(toMessage)
      return { messages: page.reverse(), more: rows.length > limit }
    }
  },

  natter(url: string): Reader {
    process.env.DATABASE_URL = url
    return readPage
  },
}

export type ReaderName = keyof typeof readers
