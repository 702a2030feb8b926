import { eq, inArray } from 'drizzle-orm'
import { beforeAll, describe, expect, it } from 'vitest'
import { type LoggedEvent, persist } from '#domain/log/projection'
import type { Context } from '#runtime'
import { db, migrate } from '#schema/db'
import { type ClientId, type MessageId, type RoomId, toNotifyId, type UserId } from '#schema/ids'
import type { MessageSent, RoomEvent } from '#schema/messages/event'
import {
  mentions,
  messages,
  messageVersions,
  reactions,
  roomHeads,
  threadStates,
} from '#schema/tables/message'
import { useDatabase } from '../../support/database-fixture.ts'
import type { DatabaseKind } from '../../support/servers.ts'

describe.each<DatabaseKind>(['postgres', 'pglite'])(
  'the projection of CHAT_MESSAGES to %s',
  (kind) => {
    useDatabase(kind)
    beforeAll(() => migrate())

    it.each([1, 2, 3, 4, 5, 6, 7, 8])(
      'writes the same rows for any order, batching and repetition of the events (random seed %i)',
      async (seed) => {
        const random = createRandom(seed)
        const room = `room-${crypto.randomUUID()}` as RoomId
        const events = givenEvents(room, random)
        const project = async (batches: LoggedEvent[][]) => {
          const purged = new Set<number>()
          const purgeMessage: Context['purgeMessage'] = async (_, seq) =>
            purged.size < purged.add(seq).size
          await Promise.all(batches.map((batch) => persist(batch, { purgeMessage })))
          return { rows: await takeRows(room), purged: [...purged].sort((a, b) => a - b) }
        }

        const inOrder = await project([events])
        const oneByOne = await project(events.map((event) => [event]))
        const shuffled = await project(cut(shuffle([...events, ...events], random), random))

        expect(inOrder.rows.messages).toHaveLength(messageCount)
        expect(inOrder.rows.mentions.length).toBeGreaterThan(3)
        expect(inOrder.rows.mentions).toEqual(mentionsOf(inOrder.rows.messages))
        expect(oneByOne).toEqual(inOrder)
        expect(shuffled).toEqual(inOrder)
        const left = events.filter(({ seq }) => !inOrder.purged.includes(seq))
        expect((await project(cut(shuffle(left, random), random))).rows).toEqual(inOrder.rows)
      },
    )

    it('purges every copy of a deleted message, even one that is persisted after the deletion', async () => {
      const room = `room-${crypto.randomUUID()}` as RoomId
      const [id, clientId] = [newId(), crypto.randomUUID() as ClientId]
      const [sender, at] = ['alice' as UserId, new Date(0).toISOString()]
      const target = { notifyId: toNotifyId({ seq: 5, id }), sender, clientId, at }
      const message = { id, room, sender, clientId, text: 'a secret', mentions: [], at }
      const copy = { kind: 'message', ...message } as const
      const deletion = { kind: 'delete', room, by: sender, at, message: target } as const
      const purged = new Set<number>()
      const purgeMessage: Context['purgeMessage'] = async (_, seq) =>
        purged.size < purged.add(seq).size

      await persist([{ seq: 5, data: copy }], { purgeMessage })
      await persist([{ seq: 6, data: deletion }], { purgeMessage })
      await persist([{ seq: 3, data: copy }], { purgeMessage })

      expect([...purged].sort()).toEqual([3, 5])
      expect((await takeRows(room)).messages).toMatchObject([{ text: '', deletedAt: new Date(0) }])
    })
  },
)

const messageCount = 12
const newId = () => crypto.randomUUID().replaceAll('-', '') as MessageId

type SentMessage = { seq: number; data: MessageSent }

/** Returns random events in an order that is possible in the stream. */
function givenEvents(room: RoomId, random: () => number): LoggedEvent[] {
  const pick = <T>(from: readonly T[]) => from[Math.floor(random() * from.length)] as T
  const users = ['alice', 'bob', 'null'] as UserId[]
  const events: LoggedEvent[] = []
  const sent: SentMessage[] = []
  for (let seq = 1; sent.length < messageCount || seq < 150; seq++) {
    const inRoom = { room, by: pick(users), at: new Date(seq * 1_000).toISOString() }
    if (sent.length < messageCount && random() < 0.15) {
      const [first] = sent
      const thread = first && random() < 0.3 ? { threadId: first.data.id } : {}
      const message = { seq, data: { ...messageOf(seq, inRoom), ...thread } }
      sent.push(message)
      events.push(message)
      continue
    }
    // The last event is a join, because a join is never purged. If the last event were purged, the
    // table `room_heads` would get a lower sequence number from the remaining events.
    const target = sent.length > 0 && seq < 149 ? pick(sent) : undefined
    if (!target) {
      events.push({
        seq,
        data: { ...inRoom, kind: 'member', action: 'join', userId: inRoom.by },
      })
    } else if (random() < 0.05) {
      // A retry after JetStream's duplicate window stores a second copy of a message.
      events.push({ seq, data: target.data })
    } else {
      events.push({ seq, data: changeOf(target, seq, inRoom) })
    }
  }
  return events

  function messageOf(seq: number, { room, by, at }: InRoom): MessageSent {
    const [id, clientId] = [newId(), crypto.randomUUID() as ClientId]
    const text = `sent ${seq}`
    return { kind: 'message', id, room, sender: by, clientId, text, mentions: mentioned(), at }
  }

  function mentioned(): UserId[] {
    return [...users, 'all' as UserId].filter(() => random() < 0.4)
  }

  function changeOf(target: SentMessage, seq: number, inRoom: InRoom): RoomEvent {
    const { id, threadId, sender, clientId, at } = target.data
    const notifyId = toNotifyId({ seq: target.seq, id })
    const message = { notifyId, ...(threadId ? { threadId } : {}) }
    const choice = random()
    if (choice < 0.05)
      return { ...inRoom, kind: 'delete', message: { ...message, sender, clientId, at } }
    if (choice < 0.4) {
      const text = `edited ${seq}`
      return { ...inRoom, by: sender, kind: 'edit', message, text, mentions: mentioned() }
    }
    const [emoji, on] = [pick(['👍', '❤️', '👩‍👩‍👧']), random() < 0.6]
    return { ...inRoom, kind: 'react', message, emoji, on }
  }
}

/** Returns the expected rows of the table mentions. Their `version` may be any number. */
function mentionsOf(rows: (typeof messages.$inferSelect)[]) {
  return rows
    .flatMap(({ id, room, threadId, seq, sender, mentions }) =>
      mentions
        .filter((userId) => userId !== sender)
        .map((userId) => ({
          ...{ messageId: id, userId, room, threadId, seq, sender, version: expect.any(Number) },
        })),
    )
    .sort((a, b) => (`${a.messageId} ${a.userId}` < `${b.messageId} ${b.userId}` ? -1 : 1))
}

interface InRoom {
  room: RoomId
  by: UserId
  at: string
}

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
    .map((item) => ({ item, order: random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item)
}

function cut<T>(items: readonly T[], random: () => number): T[][] {
  const batches: T[][] = []
  for (let from = 0; from < items.length; ) {
    const to = from + 1 + Math.floor(random() * 20)
    batches.push(items.slice(from, to))
    from = to
  }
  return batches
}

async function takeRows(room: RoomId) {
  const inRoom = eq(messages.room, room)
  const ids = db.select({ id: messages.id }).from(messages).where(inRoom)
  const versions = inArray(messageVersions.messageId, ids)
  const reacted = inArray(reactions.messageId, ids)
  const { messageId, seq } = messageVersions
  const { userId, emoji } = reactions
  const rows = {
    messages: await db.select().from(messages).where(inRoom).orderBy(messages.seq),
    versions: await db.select().from(messageVersions).where(versions).orderBy(messageId, seq),
    reactions: await db
      .select()
      .from(reactions)
      .where(reacted)
      .orderBy(reactions.messageId, userId, emoji),
    mentions: await db
      .select()
      .from(mentions)
      .where(eq(mentions.room, room))
      .orderBy(mentions.messageId, mentions.userId),
    head: await db.select().from(roomHeads).where(eq(roomHeads.room, room)),
  }
  await db.delete(messageVersions).where(versions)
  await db.delete(reactions).where(reacted)
  await db.delete(messages).where(inRoom)
  await db.delete(mentions).where(eq(mentions.room, room))
  await db.delete(threadStates).where(eq(threadStates.room, room))
  await db.delete(roomHeads).where(eq(roomHeads.room, room))
  return rows
}
