/** One page of a room's history, by each of those that are measured. */
import { and, count, desc, eq, getTableColumns, lt, max, sql } from 'drizzle-orm'
import { alias } from 'drizzle-orm/pg-core'
import { drizzle } from 'drizzle-orm/postgres-js'
import postgres from 'postgres'
import { pageQuery, readPage } from '#domain/messages/history-page'
import type { RoomId, UserId } from '../../schema/ids.ts'
import { messages, reactions } from '../../schema/tables/message.ts'

export interface PageRequest {
  room: RoomId
  before: number
  limit: number
}

/** Answers with the ids of a page, oldest first, and how many reactions there are to it. */
export type Reader = (asked: PageRequest) => Promise<{ ids: string[]; reactions: number }>

/** As many connections as schema/db.ts has. */
const poolSize = 8
const caller = 'user-1' as UserId

export const readers = {
  /** What the driver takes for the same statement, with its rows as they come. */
  raw(url: string): Reader {
    const client = postgres(url, { max: poolSize })
    return async ({ room, before, limit }) => {
      const values = [room, '', before, limit + 1, 1]
      const rows = await client.unsafe(pageQuery, values, { prepare: true })
      const page = rows.filter(({ seq }) => Number(seq) < before).sort((a, b) => a.seq - b.seq)
      const shown = page.slice(-limit)
      return {
        ids: shown.map(({ id }) => id),
        reactions: shown.reduce((sum, { words }) => sum + (words?.length ?? 0), 0),
      }
    }
  },

  /** The least that a page takes: its messages and their reactions, without the threads. */
  bare(url: string): Reader {
    const client = postgres(url, { max: poolSize })
    return async ({ room, before, limit }) => {
      const rows = await client`
        select *, (select count(*)::int from reactions where message_id = id) as put from messages
        where room = ${room} and thread_id = '' and seq < ${before}
        order by seq desc limit ${limit + 1}`
      const shown = rows.slice(0, limit).reverse()
      return { ids: shown.map(({ id }) => id), reactions: shown.reduce((n, it) => n + it.put, 0) }
    }
  },

  /** Three questions, as one writes them with drizzle: the page, its reactions, its threads. */
  plain(url: string): Reader {
    const db = drizzle(postgres(url, { max: poolSize }))
    const reply = alias(messages, 'reply')
    return async ({ room, before, limit }) => {
      const page = db
        .select(getTableColumns(messages))
        .from(messages)
        .where(and(eq(messages.room, room), eq(messages.threadId, ''), lt(messages.seq, before)))
        .orderBy(desc(messages.seq))
        .limit(limit + 1)
      const rows = (await page).slice(0, limit).reverse()
      const isShown = sql`any(${sql.param(rows.map(({ id }) => id))}::text[])`
      const [put] = await Promise.all([
        db.select().from(reactions).where(sql`${reactions.messageId} = ${isShown}`),
        db
          .select({ id: reply.threadId, replies: count(), last: max(reply.seq) })
          .from(reply)
          .where(and(eq(reply.room, room), sql`${reply.threadId} = ${isShown}`))
          .groupBy(reply.threadId),
      ])
      return { ids: rows.map(({ id }) => id), reactions: put.length }
    }
  },

  natter(url: string): Reader {
    process.env.DATABASE_URL = url
    return async (asked) => {
      const page = await readPage({ ...asked, caller })
      return {
        ids: page.messages.map(({ id }) => id),
        reactions: page.messages.flatMap((it) => it.reactions).reduce((n, it) => n + it.count, 0),
      }
    }
  },
}

export type ReaderName = keyof typeof readers
