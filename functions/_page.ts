import { and, asc, desc, eq, gt, lt, sql } from 'drizzle-orm'
import type { InputOf, OutputOf } from '#runtime'
import { db } from '#schema/db'
import type { chatHistory } from '#schema/messages/chat'
import { messages } from '#schema/tables/message'
import { toMessage } from './_message.ts'

type Asked = InputOf<typeof chatHistory> & { limit: number }
type Page = OutputOf<typeof chatHistory>

/** One page of a room, oldest first, walking along the key over room and sequence. */
export async function readPage({ room, before, after, limit }: Asked): Promise<Page> {
  const { older, newer } = pageQueries()
  const isForward = after !== undefined
  const start = isForward ? after : (before ?? Number.MAX_SAFE_INTEGER)
  // One more than the page, to see whether there is more.
  const rows = await (isForward ? newer : older).execute({ room, start, limit: limit + 1 })

  const page = rows.slice(0, limit).map(toMessage)
  return { messages: isForward ? page : page.reverse(), more: rows.length > limit }
}

/** By pool, since a query goes on asking the one that it was prepared with. */
const prepared = new WeakMap<typeof db.$client, ReturnType<typeof prepare>>()

/** The queries behind a page: to put them together costs as much again as to run them. */
export function pageQueries(): ReturnType<typeof prepare> {
  const pool = db.$client
  const known = prepared.get(pool)
  if (known) return known
  const made = prepare()
  prepared.set(pool, made)
  return made
}

function prepare() {
  const inRoom = eq(messages.room, sql.placeholder('room'))
  const start = sql.placeholder('start')
  const limit = sql.placeholder('limit')
  return {
    older: db
      .select()
      .from(messages)
      .where(and(inRoom, lt(messages.seq, start)))
      .orderBy(desc(messages.seq))
      .limit(limit)
      .prepare('older'),
    newer: db
      .select()
      .from(messages)
      .where(and(inRoom, gt(messages.seq, start)))
      .orderBy(asc(messages.seq))
      .limit(limit)
      .prepare('newer'),
  }
}
