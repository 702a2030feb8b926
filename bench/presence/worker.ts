/** The processes of the section: the function as drawn, or the people who come back. */
import type { NatsConnection } from '@nats-io/nats-core'
import { createRequester, type Requester } from '../../runtime/client/index.ts'
import { connectTo } from '../connect.ts'
import { percentilesOf } from '../loop.ts'
import { serveParent, usedCpu } from '../worker.ts'
import { serveDrawn } from './drawn.ts'
import { people, roomsEach, userOf } from './people.ts'

export type Side = 'drawn' | 'natter'

/** Where each is asked, and where it tells. */
const subjects = {
  drawn: { heartbeat: 'drawn', told: 'drawn.presence.*' },
  natter: { heartbeat: 'as', told: 'room.presence.*' },
}

export interface Beats {
  /** Until all are answered, in seconds. */
  seconds: number
  p50: number
  p99: number
}

/** People who come back, and what their rooms are told. */
export interface Return extends Beats {
  /** Until all rooms know of all, in seconds; and in how many messages. */
  toldSeconds: number
  pushes: number
}

let nc: NatsConnection
let requester: Requester

serveParent({
  serve: serveDrawn,
  cpu: usedCpu,
  async connect(url: string) {
    nc = await connectTo(url, 'people')
    requester = createRequester(nc)
  },
  comeBack,
  beat: ({ side, round }: { side: Side; round: number }) => beatAll(side, round),
})

async function comeBack({ side, round }: { side: Side; round: number }): Promise<Return> {
  const { promise: told, resolve } = Promise.withResolvers<void>()
  let left = people * roomsEach
  let pushes = 0
  const listening = nc.subscribe(subjects[side].told, {
    callback(_error, message) {
      pushes++
      left -= message.json<{ changes: unknown[] }>().changes.length
      if (left === 0) resolve()
    },
  })
  await nc.flush()
  const started = performance.now()
  const beats = await beatAll(side, round)
  await told
  const toldSeconds = (performance.now() - started) / 1_000
  listening.unsubscribe()
  return { ...beats, toldSeconds, pushes }
}

/** A heartbeat of everybody at once. */
async function beatAll(side: Side, round: number): Promise<Beats> {
  const payload = JSON.stringify({ connId: 'tab' })
  const started = performance.now()
  const times = await Promise.all(
    Array.from({ length: people }, async (_, at) => {
      const subject = `${subjects[side].heartbeat}.${userOf(side, round, at)}.presence.heartbeat`
      const reply = await requester.request(subject, payload, { timeoutMs: 30_000 })
      const { status } = reply.json<{ status?: string }>()
      if (status !== 'online') throw new Error(`${subject} answered ${reply.string()}`)
      return performance.now() - started
    }),
  )
  return { seconds: (performance.now() - started) / 1_000, ...percentilesOf(times) }
}
