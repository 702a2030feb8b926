import { beforeAll, describe, expect, it, vi } from 'vitest'
import type { InputOf } from '#runtime'
import type { contracts } from '#schema/contracts'
import { type RoomId, toNotifyId, type UserId } from '#schema/ids'
import { newClientId, newUserId, useApp } from '../support/app.ts'

const app = useApp()

/** The functions that only read, without those of the console: their answers change over time. */
const readNames = [
  'chat.history',
  'chat.history.thread',
  'chat.sync',
  'msg.find',
  'msg.get',
  'msg.trace',
  'msg.versions',
  'presence.room',
  'room.browse',
  'room.info',
  'room.list',
  'users.me',
  'users.names',
  'users.search',
] as const
type Reads = { [Name in (typeof readNames)[number]]: InputOf<(typeof contracts)[Name]> }

let me: UserId
let room: RoomId
let reads: Reads

beforeAll(async () => {
  me = newUserId()
  room = await app.createRoom([me])
  const client = await app.clientFor(me)
  await client.call('users.me', { name: `Reader ${me.slice(-8)}` })
  await client.call('presence.heartbeat', { connId: 'tab' })
  const send = (text: string) => client.call('send', { room, clientId: newClientId(), text })
  const [first] = [await send('first'), await send('second')]
  const { id, seq } = first
  const notifyId = toNotifyId(first)
  const reply = { room, threadId: id, clientId: newClientId(), text: 'a reply' }
  await client.call('send.thread', reply)
  await client.call('msg.edit', { notifyId, text: 'edited' })
  await client.call('msg.react', { notifyId, emoji: '👍' })
  await app.waitForRows(room, 3)
  reads = {
    'chat.history': { room },
    'chat.history.thread': { room, threadId: id },
    'chat.sync': { room, since: seq - 1 },
    'msg.find': { room, id },
    'msg.get': { notifyId },
    'msg.trace': { notifyId },
    'msg.versions': { notifyId },
    'presence.room': { room },
    'room.browse': { text: room },
    'room.info': { room },
    'room.list': {},
    'users.me': {},
    'users.names': { userIds: [me] },
    'users.search': { text: me },
  }
  // Wait until all events are persisted, because only then the answers no longer change.
  await vi.waitUntil(async () => {
    const { versions } = await client.call('msg.versions', { notifyId })
    const { messages } = await client.call('chat.history', { room })
    return versions.length > 0 && messages[0]?.reactions.length
  }, polling)
})

describe('functions that only read', () => {
  it.each(readNames)(
    'return the same answer to repeated calls, and store no event: %s',
    async (name) => {
      const client = await app.clientFor(me)
      const before = await app.readEvents(room)
      const read = () => client.call(name, reads[name])

      const answers = [await read(), ...(await Promise.all([read(), read()]))]

      for (const answer of answers) expect(answer).toEqual(answers[0])
      expect(await app.readEvents(room)).toEqual(before)
    },
  )
})

const polling = { timeout: 10_000 }
