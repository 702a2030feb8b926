import type { NatsConnection } from '@nats-io/nats-core'
import { createRequester, type Requester } from '../../runtime/client/index.ts'
import { connectTo } from '../connect.ts'
import { type LoopResult, percentilesOf } from '../loop.ts'
import { serveParent, usedCpu } from '../worker.ts'
import { serveDrawn } from './drawn.ts'
import { roomsPerUser, userCount, userOf } from './users.ts'

export type Side = 'drawn' | 'natter'

const subjects = {
  drawn: { heartbeatPrefix: 'drawn', notifications: 'drawn.presence.*' },
  natter: { heartbeatPrefix: 'as', notifications: 'room.presence.*' },
}

export interface ReconnectResult extends LoopResult {
  notifiedSeconds: number
  notifications: number
}

interface RoundOptions {
  side: Side
  round: number
}

let nc: NatsConnection
let requester: Requester
const timers: NodeJS.Timeout[] = []

serveParent({
  serve: serveDrawn,
  cpu: usedCpu,
  async connect(url: string) {
    nc = await connectTo(url, 'users')
    requester = createRequester(nc)
  },
  reconnect,
  heartbeat: sendHeartbeats,
  stay,
  leave() {
    for (const timer of timers.splice(0)) clearTimeout(timer)
  },
})

interface Staying {
  prefix: string
  count: number
  everyMs: number
  /**
   * The id of the NATS server. It is part of the connection id of a lease that lasts as long as its
   * connection.
   */
  server: string
}

/**
 * Adds users until there are `count`, and returns when all are online. From then on, each user sends a
 * heartbeat every `everyMs`; the heartbeats are spread evenly over this time.
 */
async function stay({ prefix, count, everyMs, server }: Staying): Promise<void> {
  const beat = (index: number) => {
    const connId = prefix.endsWith('connection') ? `${server}-${1_000 + index}` : 'tab'
    const subject = `as.${prefix}-${index}.presence.heartbeat`
    return requester.request(subject, JSON.stringify({ connId }), { timeoutMs: 30_000 })
  }
  for (let index = timers.length; index < count; index++) {
    await beat(index)
    const repeat = () => {
      void beat(index)
      timers[index] = setTimeout(repeat, everyMs)
    }
    timers[index] = setTimeout(repeat, (index / count) * everyMs)
  }
}

async function reconnect({ side, round }: RoundOptions): Promise<ReconnectResult> {
  const { promise: allNotified, resolve } = Promise.withResolvers<void>()
  let left = userCount * roomsPerUser
  let notifications = 0
  const subscription = nc.subscribe(subjects[side].notifications, {
    callback(_error, message) {
      notifications++
      left -= message.json<{ changes: unknown[] }>().changes.length
      if (left === 0) resolve()
    },
  })
  await nc.flush()
  const started = performance.now()
  const heartbeats = await sendHeartbeats({ side, round })
  await allNotified
  const notifiedSeconds = (performance.now() - started) / 1_000
  subscription.unsubscribe()
  return { ...heartbeats, notifiedSeconds, notifications }
}

async function sendHeartbeats({ side, round }: RoundOptions): Promise<LoopResult> {
  const payload = JSON.stringify({ connId: 'tab' })
  const prefix = subjects[side].heartbeatPrefix
  const started = performance.now()
  const times = await Promise.all(
    Array.from({ length: userCount }, async (_, index) => {
      const subject = `${prefix}.${userOf(side, round, index)}.presence.heartbeat`
      const reply = await requester.request(subject, payload, { timeoutMs: 30_000 })
      const { status } = reply.json<{ status?: string }>()
      if (status !== 'online')
        throw new Error(`Unexpected response to ${subject}: ${reply.string()}`)
      return performance.now() - started
    }),
  )
  const seconds = (performance.now() - started) / 1_000
  return { count: userCount, seconds, ...percentilesOf(times) }
}
