import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eq, inArray } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LoggedEvent, persist } from '#domain/log/projection'
import type { Context } from '#runtime'
import { closeDb, db, migrate } from '#schema/db'
import { type ClientId, type MessageId, type RoomId, toNotifyId, type UserId } from '#schema/ids'
import type { MessageSent } from '#schema/messages/event'
import { messages, messageVersions, reactions, roomHeads } from '#schema/tables/message'
import type { ProcessService } from '../../../stack/services/service.ts'
import { type DatabaseKind, startDatabase } from '../../support/servers.ts'

describe.each<DatabaseKind>(['postgres', 'pglite'])('what persist draws, on %s', (kind) => {
  let dir: string
  let database: ProcessService

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'natter-persist-'))
    database = await startDatabase(kind, dir)
    process.env.DATABASE_URL = database.url
    await migrate()
  })
  afterAll(async () => {
    await closeDb()
    await database.stop()
    await rm(dir, { recursive: true, force: true })
  })

  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'is the same from events in any order, as often as they come: seed %i',
    async (seed) => {
      const random = createRandom(seed)
      const room = `room-${crypto.randomUUID()}` as RoomId
      const events = givenEvents(room, random)
      const drawn = async (batches: LoggedEvent[][]) => {
        const erased = new Set<number>()
        const purgeMessage: Context['purgeMessage'] = async (_, seq) =>
          erased.size < erased.add(seq).size
        await Promise.all(batches.map((batch) => persist(batch, { purgeMessage })))
        return { rows: await takeRows(room), erased: [...erased].sort((a, b) => a - b) }
      }

      const inOrder = await drawn([events])
      const oneByOne = await drawn(events.map((event) => [event]))
      const shuffled = await drawn(cut(shuffle([...events, ...events], random), random))

      expect(inOrder.rows.messages).toHaveLength(messageCount)
      expect(oneByOne).toEqual(inOrder)
      expect(shuffled).toEqual(inOrder)
      // Only what is left of the log is read again.
      const left = events.filter(({ seq }) => !inOrder.erased.includes(seq))
      expect((await drawn(cut(shuffle(left, random), random))).rows).toEqual(inOrder.rows)
    },
  )
})

const messageCount = 12
const newId = () => crypto.randomUUID().replaceAll('-', '') as MessageId

/** What three people might do to some messages of a room, in an order in which it can happen. */
function givenEvents(room: RoomId, random: () => number): LoggedEvent[] {
  const pick = <T>(from: readonly T[]) => from[Math.floor(random() * from.length)] as T
  const people = ['alice', 'bob', 'null'] as UserId[]
  const events: LoggedEvent[] = []
  const said: { seq: number; data: MessageSent }[] = []
  for (let seq = 1; said.length < messageCount || seq < 150; seq++) {
    const at = new Date(seq * 1_000).toISOString()
    const by = pick(people)
    if (said.length < messageCount && random() < 0.15) {
      const [first] = said
      const threadId = first && random() < 0.3 ? { threadId: first.data.id } : {}
      const [id, clientId] = [newId(), crypto.randomUUID() as ClientId]
      const text = `said ${seq}`
      const what = { id, room, sender: by, clientId, text, mentions: [by], at }
      const event = { seq, data: { kind: 'message' as const, ...what, ...threadId } }
      said.push(event)
      events.push(event)
      continue
    }
    // What stands last is not erased, or it would be another head that is read again.
    const target = said.length > 0 && seq < 149 ? pick(said) : undefined
    if (!target) {
      const action = 'join'
      events.push({ seq, data: { kind: 'member', room, by, at, action, userId: by } })
      continue
    }
    if (random() < 0.05) {
      // The log had forgotten that it has it.
      events.push({ seq, data: { ...target.data, kind: 'message' } })
      continue
    }
    const { threadId, sender, clientId } = target.data
    const notifyId = toNotifyId({ seq: target.seq, id: target.data.id })
    const message = { notifyId, ...(threadId ? { threadId } : {}) }
    const what = random()
    if (what < 0.05) {
      const deleted = { ...message, sender, clientId, at: target.data.at }
      events.push({ seq, data: { kind: 'delete', room, by, at, message: deleted } })
    } else if (what < 0.4) {
      const text = `edited ${seq}`
      events.push({ seq, data: { kind: 'edit', room, by, at, message, text, mentions: [by] } })
    } else {
      const [emoji, on] = [pick(['👍', '❤️', '👩‍👩‍👧']), random() < 0.6]
      events.push({ seq, data: { kind: 'react', room, by, at, message, emoji, on } })
    }
  }
  return events
}

/** The same numbers for the same seed. */
function createRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function shuffle<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item)
}

/** Into batches of up to twenty. */
function cut<T>(items: readonly T[], random: () => number): T[][] {
  const batches: T[][] = []
  for (let from = 0; from < items.length; ) {
    const to = from + 1 + Math.floor(random() * 20)
    batches.push(items.slice(from, to))
    from = to
  }
  return batches
}

/** What the tables hold of a room, and no more. */
async function takeRows(room: RoomId) {
  const inRoom = eq(messages.room, room)
  const ids = db.select({ id: messages.id }).from(messages).where(inRoom)
  const versions = inArray(messageVersions.messageId, ids)
  const put = inArray(reactions.messageId, ids)
  const { messageId, seq } = messageVersions
  const { userId, emoji } = reactions
  const rows = {
    messages: await db.select().from(messages).where(inRoom).orderBy(messages.seq),
    versions: await db.select().from(messageVersions).where(versions).orderBy(messageId, seq),
    reactions: await db
      .select()
      .from(reactions)
      .where(put)
      .orderBy(reactions.messageId, userId, emoji),
    head: await db.select().from(roomHeads).where(eq(roomHeads.room, room)),
  }
  await db.delete(messageVersions).where(versions)
  await db.delete(reactions).where(put)
  await db.delete(messages).where(inRoom)
  await db.delete(roomHeads).where(eq(roomHeads.room, room))
  return rows
}
