import type { LocalStore } from '../../../client/chat/localStore.ts'
import type { HistoryPage } from '../../../client/chat/timeline.ts'
import type { ChatClient } from '../../../client/nats/chatClient.ts'
import type { Connection } from '../../../client/nats/createConnection.ts'
import { topics } from '../../../schema/contracts.ts'
import type { ClientId, MessageId, RoomId, UserId } from '../../../schema/ids.ts'
import type { Notice } from '../../../schema/messages/event.ts'
import type { MyRoom } from '../../../schema/messages/room.ts'
import { textOf } from './messages.ts'

type Message = HistoryPage['messages'][number]

const people = ['alice', 'bob', 'charlie', 'dora', 'emil'] as UserId[]
export const me = 'alice' as UserId
const id = 'long' as RoomId

export function simulatedRoom(count: number): MyRoom {
  const read = { lastSeq: count, readSeq: count, unread: 0, mentions: 0 }
  const room = { id, name: 'Long', kind: 'public', role: 'member', createdAt: timeOf(0), ...read }
  return room as unknown as MyRoom
}

export function createSimulatedClient(count: number) {
  let onNotice: ((notice: Notice) => void) | undefined
  let last = count
  const answers: Record<string, () => unknown> = {
    'chat.history': () => pageOf(count),
    'chat.sync': () => ({ recovered: true, events: [] }),
    'room.list': () => ({ rooms: [simulatedRoom(count)] }),
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
    listen(topic: unknown, _parameters: object, callback: (notice: Notice) => void) {
      if (topic === topics.roomNotify) onNotice = callback
      return () => undefined
    },
    publish: () => undefined,
    close: () => undefined,
  }
  return {
    client: client as unknown as ChatClient,
    receiveMessage() {
      const prev = last++
      const { reactions: _, ...message } = messageOf(prev)
      const event = { ...message, kind: 'message' as const }
      if (!onNotice) throw new Error('The page has not subscribed to the room')
      onNotice({ room: id, seq: last, prev, kind: 'message', event } as Notice)
    },
  }
}

export const simulatedConnection = {
  state: () => ({ status: 'online' }),
  onReconnect: () => () => undefined,
} as unknown as Connection

export const simulatedLocalStore: LocalStore = {
  read: async () => undefined,
  write: () => undefined,
  readNow: () => undefined,
  listNow: () => [],
  keysNow: () => [],
  writeNow: () => undefined,
  watchNow: () => () => undefined,
  claim: async () => true,
  prune: async () => undefined,
  clear: async () => undefined,
  onCleared: () => undefined,
}

function pageOf(count: number): HistoryPage {
  const messages = Array.from({ length: count }, (_, index) => messageOf(index))
  return { messages, before: false, after: false, asOf: count }
}

function messageOf(index: number): Message {
  const reactions = index % 11 ? [] : [{ emoji: '🎉', count: 2, users: people.slice(0, 2) }]
  return {
    id: index.toString(16).padStart(32, '0') as MessageId,
    room: id,
    seq: index + 1,
    sender: people[(index >> 2) % people.length] ?? me,
    clientId: `client-${index}` as ClientId,
    text: textOf(index),
    mentions: [],
    at: timeOf(index),
    reactions,
    ...(index % 29 ? {} : { replies: { count: 3, lastSeq: index + 1, users: [] } }),
    ...(index % 37 ? {} : { editedAt: timeOf(index) }),
  }
}

function timeOf(index: number): string {
  return new Date(Date.UTC(2025, 0, 1) + index * 60_000).toISOString()
}
