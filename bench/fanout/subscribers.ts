import { setTimeout as sleep } from 'node:timers/promises'
import { type Msg, type NatsConnection, wsconnect } from '@nats-io/nats-core'
import { createRequester, type Requester } from '../../runtime/client/index.ts'
import type { RoomKey } from '../../schema/messages/room.ts'
import { decryptPush } from '../../tests/support/encrypted.ts'
import { createDeliveries, messageText } from '../deliveries.ts'
import { type LoopResult, percentilesOf } from '../loop.ts'
import { serveParent, usedCpu } from '../worker.ts'
import { baselineSubjects, serveBaselines } from './baselines.ts'
import { type RoomName, userOf } from './room.ts'

export interface ConnectOptions {
  url: string
  rooms: readonly RoomName[]
  subscriberCount: number
}

interface Notice {
  clientId?: string
  event?: { clientId: string }
  roomKey?: RoomKey
}

const maxConnecting = 25

let requester: Requester
const subscribers: NatsConnection[] = []
const deliveries = createDeliveries()
/**
 * The `clientId` of each decrypted event, by ciphertext. This process has the connections of all
 * users, but decrypts each event only once. Outside of the benchmark, each user decrypts on their own
 * machine.
 */
const encrypted = new Map<string, string | undefined>()

serveParent({
  serve: serveBaselines,
  cpu: usedCpu,
  connect: connectAll,
  async send({ room, count }: { room: RoomName; count: number }): Promise<LoopResult> {
    const times: number[] = []
    for (let sent = 0; sent < count; sent++) {
      const started = performance.now()
      await send(room)
      times.push(performance.now() - started)
    }
    const seconds = times.reduce((sum, ms) => sum + ms, 0) / 1_000
    return { count, seconds, ...percentilesOf(times) }
  },
  /**
   * Sends messages to the private room until its events arrive encrypted, because a large private
   * room does not encrypt its first events.
   */
  async encrypt() {
    while (encrypted.size === 0) {
      await send('private')
      await sleep(500)
    }
  },
  /** Responds, and then blocks this process, so that it reads nothing from its connections. */
  stall(ms: number) {
    setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms), 10)
  },
})

async function connectAll({ url, rooms, subscriberCount }: ConnectOptions) {
  requester = createRequester(await connect(url))
  while (subscribers.length < subscriberCount) {
    const first = subscribers.length
    const length = Math.min(maxConnecting, subscriberCount - first)
    const connecting = Array.from({ length }, (_, index) => subscribe(url, rooms, first + index))
    subscribers.push(...(await Promise.all(connecting)))
  }
}

function connect(url: string) {
  const { username: user, password: pass, host } = new URL(url)
  return wsconnect({ servers: `ws://${host}`, user, pass })
}

async function subscribe(
  url: string,
  rooms: readonly RoomName[],
  index: number,
): Promise<NatsConnection> {
  const nc = await connect(url)
  let key: RoomKey | undefined
  for (const room of rooms)
    nc.subscribe(subjectOf(room, userOf(room, index)), {
      callback(_error, message) {
        const notice = message.json<Notice>()
        const { roomKey } = notice
        if (roomKey && roomKey.id !== key?.id) {
          key = roomKey
          subscribeEncrypted(nc, roomKey)
        }
        const clientId = notice.event?.clientId ?? notice.clientId
        if (clientId === undefined) return
        if (room === 'fetched') void fetchMessage(nc, clientId)
        else deliveries.record(clientId)
      },
    })
  await nc.flush()
  return nc
}

function subscribeEncrypted(nc: NatsConnection, key: RoomKey) {
  nc.subscribe(`room.notify.${key.id}`, {
    callback(_error, message) {
      const clientId = readEncrypted(key, message)
      if (clientId !== undefined) deliveries.record(clientId)
    },
  })
}

function readEncrypted(key: RoomKey, message: Msg): string | undefined {
  const { data } = message.json<{ data: string }>()
  if (encrypted.has(data)) return encrypted.get(data)
  const { event } = (decryptPush(key, data).notify ?? {}) as Notice
  encrypted.set(data, event?.clientId)
  return event?.clientId
}

async function fetchMessage(nc: NatsConnection, clientId: string) {
  const payload = JSON.stringify({ clientId })
  const reply = await nc.request(baselineSubjects.get, payload, { timeout: 30_000 })
  deliveries.record(reply.json<{ clientId: string }>().clientId)
}

async function send(room: RoomName) {
  const { clientId, delivered } = deliveries.expect(subscribers.length)
  const subject =
    room === 'public' || room === 'private'
      ? `deliver.${userOf(room, 0)}.send.${room}`
      : baselineSubjects.send(room)
  const payload = JSON.stringify({ clientId, text: messageText })
  const reply = await requester.request(subject, payload, { timeoutMs: 30_000 })
  if (reply.headers?.get('Nats-Service-Error-Code')) throw new Error(reply.string())
  await delivered
}

function subjectOf(room: RoomName, user: string): string {
  if (room === 'public') return `room.notify.${room}`
  if (room === 'private') return `deliver.${user}.notify.${room}`
  return room === 'each' ? baselineSubjects.notifyUser(user) : baselineSubjects.notify(room)
}
