/** A chat with one long room and no server: everything else is the client's own. */

import type { LocalStore } from '../../../client/chat/localStore.ts'
import type { HistoryPage } from '../../../client/chat/timeline.ts'
import type { ChatClient } from '../../../client/nats/chatClient.ts'
import type { Connection } from '../../../client/nats/createConnection.ts'
import type { ClientId, MessageId, RoomId, UserId } from '../../../schema/ids.ts'
import type { Notice } from '../../../schema/messages/event.ts'
import type { MyRoom } from '../../../schema/messages/room.ts'
import { textOf } from './messages.ts'

type Message = HistoryPage['messages'][number]

const people = ['alice', 'bob', 'charlie', 'dora', 'emil'] as UserId[]
export const me = 'alice' as UserId
const id = 'long' as RoomId

export function givenRoom(count: number): MyRoom {
  const read = { lastSeq: count, readSeq: count, unread: 0, mentions: 0 }
  const room = { id, name: 'Long', kind: 'public', role: 'member', createdAt: timeOf(0), ...read }
  return room as unknown as MyRoom
}

export function givenClient(count: number) {
  const hearers: ((notice: Notice) => void)[] = []
  let last = count
  const answers: Record<string, () => unknown> = {
    'chat.history': () => givenPage(count),
    'chat.sync': () => ({ recovered: true, events: [] }),
    'room.list': () => ({ rooms: [givenRoom(count)] }),
    'users.names': () => ({
      users: people.map((userId) => ({
        userId,
        name: `${userId[0]?.toUpperCase()}${userId.slice(1)} Adams`,
      })),
    }),
    'users.me': () => ({ name: 'Alice Adams' }),
    'presence.room': () => ({ present: {} }),
    'presence.heartbeat': () => ({ status: 'online' }),
    'read.update': () => ({ seq: last, unread: 0, mentions: 0, asOf: last }),
  }
  const client = {
    call: async (name: string) => answers[name]?.() ?? {},
    try: async (name: string) => ({ ok: true, value: answers[name]?.() ?? {} }),
    listen(_: unknown, where: object, tell: (notice: Notice) => void) {
      // The first that listens everywhere is for what is said.
      if (Object.keys(where).length === 0) hearers.push(tell)
      return () => undefined
    },
    publish: () => undefined,
    close: () => undefined,
  }
  return {
    // It answers what this page asks, and nothing else is asked.
    client: client as unknown as ChatClient,
    /** Somebody says something. */
    say() {
      const prev = last++
      const { reactions: _, ...message } = messageOf(prev)
      const event = { ...message, kind: 'message' as const }
      hearers[0]?.({ room: id, seq: last, prev, kind: 'message', event } as Notice)
    },
  }
}

export const givenConnection = {
  link: () => ({ status: 'online' }),
  onBack: () => () => undefined,
} as unknown as Connection

export const givenKept: LocalStore = {
  read: async () => undefined,
  write: () => undefined,
  readNow: () => undefined,
  listNow: () => [],
  writeNow: () => undefined,
  watchNow: () => () => undefined,
  claim: async () => true,
  prune: async () => undefined,
  clear: async () => undefined,
  onCleared: () => undefined,
}

function givenPage(count: number): HistoryPage {
  const messages = Array.from({ length: count }, (_, at) => messageOf(at))
  return { messages, before: false, after: false, asOf: count }
}

/** Everybody says four things in a row. */
function messageOf(at: number): Message {
  const reactions = at % 11 ? [] : [{ emoji: '🎉', count: 2, users: people.slice(0, 2) }]
  return {
    id: at.toString(16).padStart(32, '0') as MessageId,
    room: id,
    seq: at + 1,
    sender: people[(at >> 2) % people.length] ?? me,
    clientId: `client-${at}` as ClientId,
    text: textOf(at),
    mentions: [],
    at: timeOf(at),
    reactions,
    ...(at % 29 ? {} : { replies: { count: 3, lastSeq: at + 1 } }),
    ...(at % 37 ? {} : { editedAt: timeOf(at) }),
  }
}

/** One in each minute. */
function timeOf(at: number): string {
  return new Date(Date.UTC(2025, 0, 1) + at * 60_000).toISOString()
}
