import { setTimeout as delay } from 'node:timers/promises'
import { jetstreamManager } from '@nats-io/jetstream'
import { Kvm } from '@nats-io/kv'
import { eq } from 'drizzle-orm'
import { db } from '#schema/db'
import type { Placed, RoomEvent } from '#schema/messages/log'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'
import { messages, reactions } from '#schema/tables/message'
import { members, rooms } from '#schema/tables/room'
import type { Evidence } from './evidence.ts'
import type { Story } from './operations.ts'
import type { World } from './world.ts'

/** Waits until everything that is in the log is in the database too. Throws when that takes too long. */
export async function settle(world: World, withinMs = 60_000): Promise<void> {
  const until = Date.now() + withinMs
  for (;;) {
    const states = await Promise.all(
      ['persist', 'persist.thread'].map((name) => readState(world, name)),
    )
    if (states.every((it) => it.pending === 0 && it.unacknowledged === 0)) return
    if (Date.now() > until)
      throw new Error(
        `The log is not in the database after ${withinMs} ms: ${JSON.stringify(states)}`,
      )
    // Nobody tells when a consumer has nothing left; asking again is the only way.
    await delay(100)
  }
}

interface State {
  pending?: number
  unacknowledged?: number
}

async function readState({ nc }: World, name: string): Promise<State> {
  try {
    return (await nc.request(`fn.${name}`, '', { timeout: 2_000 })).json<State>()
  } catch (error) {
    return { error: String(error) } as State
  }
}

/** Looks everywhere for what has become of the story. */
export async function collectEvidence(world: World, story: Story): Promise<Evidence> {
  const [roomRows, rows, words, memberRows] = await Promise.all([
    db.select().from(rooms),
    db.select().from(messages).orderBy(messages.seq),
    db.select().from(reactions).where(eq(reactions.on, true)),
    db.select().from(members),
  ])
  const known = new Set(story.rooms.map(({ id }) => id))
  const archived = new Set(roomRows.filter((it) => it.archivedAt).map(({ id }) => id))
  const ofStory = memberRows.filter(({ room }) => known.has(room))
  const there = ofStory.filter(({ room }) => !archived.has(room))

  const views: Evidence['views'] = []
  const counts: Evidence['counts'] = []
  for (const person of world.people) {
    for (const { room } of there.filter(({ userId }) => userId === person.user)) {
      const seen = await person.readRoom(room)
      views.push({ user: person.user, room, messages: seen ?? new Map() })
    }
    const { rooms: mine } = await person.client.call('room.list', {})
    for (const { id, readSeq, unread, mentions } of mine.filter(({ id }) => known.has(id)))
      counts.push({ user: person.user, room: id, readSeq, unread, mentions })
  }
  return {
    rooms: roomRows
      .filter(({ id }) => known.has(id))
      .map(({ id, kind, archivedAt }) => ({ id, kind, isArchived: archivedAt !== null })),
    log: await readLog(world),
    rows: rows.map(({ deletedAt, ...row }) => ({ ...row, isDeleted: deletedAt !== null })),
    reactions: words,
    members: ofStory.map(({ room, userId }) => `${room}.${userId}`),
    index: await readIndex(world, known),
    acks: story.acks,
    moves: story.moves,
    reads: story.reads,
    frames: world.people.flatMap(({ frames }) => frames),
    views,
    counts,
    deadLetters: await countDeadLetters(world),
  }
}

async function readLog({ nc }: World): Promise<Placed[]> {
  const jsm = await jetstreamManager(nc)
  const log: Placed[] = []
  for (let seq = 1; ; ) {
    const stored = await jsm.direct
      .getMessage(CHAT_MESSAGES.stream, { seq, next_by_subj: 'chat.>' })
      .catch(() => null)
    if (!stored) return log
    const [, room, , threadId] = stored.subject.split('.')
    const place = threadId === undefined ? { room } : { room, threadId }
    log.push({ seq: stored.seq, event: { ...stored.json<RoomEvent>(), ...place } as RoomEvent })
    seq = stored.seq + 1
  }
}

async function readIndex({ nc }: World, known: ReadonlySet<string>): Promise<string[]> {
  const index = await new Kvm(nc).open(ROOMS_KV.bucket)
  const keys: string[] = []
  for await (const key of await index.keys('*.*')) keys.push(key)
  return keys.filter((key) => known.has(key.split('.')[0] ?? ''))
}

async function countDeadLetters({ nc }: World): Promise<number> {
  const jsm = await jetstreamManager(nc)
  const info = await jsm.streams.info('DEAD_LETTERS').catch(() => undefined)
  return info?.state.messages ?? 0
}
