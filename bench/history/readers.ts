import { and, count, desc, eq, getTableColumns, lt, max, sql } from 'drizzle-orm'
import { alias } from 'drizzle-orm/pg-core'
import { drizzle } from 'drizzle-orm/postgres-js'
import postgres from 'postgres'
import { pageQuery, readPage } from '../../domain/messages/history-page.ts'
import type { RoomId, UserId } from '../../schema/ids.ts'
import { messages, reactions } from '../../schema/tables/message.ts'

export interface PageRequest {
  room: RoomId
  before: number
  limit: number
}

/**
 * Reads a history page. `ids` begins with the oldest message. `reactions` is the number of reactions to
 * all messages of the page.
 */
export type Reader = (request: PageRequest) => Promise<{ ids: string[]; reactions: number }>

/** Number of connections, the same as in schema/db.ts. */
const poolSize = 8
const caller = 'user-1' as UserId

export const readers = {
  raw(url: string): Reader {
    const client = postgres(url, { max: poolSize })
    return async ({ room, before, limit }) => {
      const values = [room, '', before, limit + 1, 1]
      const rows = await client.unsafe(pageQuery, values, { prepare: true })
      const older = rows.filter(({ seq }) => Number(seq) < before).sort((a, b) => a.seq - b.seq)
      const page = older.slice(-limit)
      return {
        ids: page.map(({ id }) => id),
        reactions: page.reduce((sum, { words }) => sum + (words?.length ?? 0), 0),
      }
    }
  },

  messagesOnly(url: string): Reader {
    const client = postgres(url, { max: poolSize })
    return async ({ room, before, limit }) => {
      const rows = await client`
        select *, (select count(*)::int from reactions where message_id = id) as put from messages
        where room = ${room} and thread_id = '' and seq < ${before}
        order by seq desc limit ${limit + 1}`
      const page = rows.slice(0, limit).reverse()
      return {
        ids: page.map(({ id }) => id),
        reactions: page.reduce((sum, { put }) => sum + put, 0),
      }
    }
  },

  drizzle(url: string): Reader {
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
      const ids = rows.map(({ id }) => id)
      const anyOfPage = sql`any(${sql.param(ids)}::text[])`
      const [reactionRows] = await Promise.all([
        db.select().from(reactions).where(sql`${reactions.messageId} = ${anyOfPage}`),
        db
          .select({ id: reply.threadId, replies: count(), last: max(reply.seq) })
          .from(reply)
          .where(and(eq(reply.room, room), sql`${reply.threadId} = ${anyOfPage}`))
          .groupBy(reply.threadId),
      ])
      return { ids, reactions: reactionRows.length }
    }
  },

  natter(url: string): Reader {
    process.env.DATABASE_URL = url
    return async (request) => {
      const page = await readPage({ ...request, caller })
      return {
        ids: page.messages.map(({ id }) => id),
        reactions: page.messages
          .flatMap((message) => message.reactions)
          .reduce((sum, reaction) => sum + reaction.count, 0),
      }
    }
  },
}

export type ReaderName = keyof typeof readers
