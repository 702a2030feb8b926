import { setTimeout as delay } from 'node:timers/promises'
import { jetstreamManager } from '@nats-io/jetstream'
import { headers } from '@nats-io/nats-core'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'
import type { Random } from './random.ts'
import type { World } from './world.ts'

export interface FaultOptions {
  world: World
  random: Random
  /** How long the database stays away, and the longest a runtime stands still, in milliseconds. */
  databaseAwayMs: number
  pausedMs: number
}

type Fault = (options: FaultOptions) => Promise<void>

/** What happens to runtimes and messages, and what happens meanwhile to what they stand on. */
const lanes = {
  runtimes: {
    'runtime killed': 4,
    'all runtimes killed': 0.5,
    'runtime restarted': 3,
    'runtime paused': 2,
    'message delivered again': 5,
    'log read again': 0.5,
  },
  ground: {
    'nats killed': 1,
    'nats restarted': 1,
    'database away': 1,
    'index lost': 1,
  },
} as const

export type Lane = keyof typeof lanes
export type FaultName = keyof (typeof lanes)['runtimes'] | keyof (typeof lanes)['ground']
export const laneNames = Object.keys(lanes) as Lane[]

export function laneOf(name: FaultName): Lane {
  return name in lanes.runtimes ? 'runtimes' : 'ground'
}

export function pickFault(lane: Lane, random: Random): FaultName {
  return random.weighted<FaultName>(lanes[lane] as Readonly<Record<FaultName, number>>)
}

/** Lets something go wrong. Resolves when it is over. */
export function cause(name: FaultName, options: FaultOptions): Promise<void> {
  return faults[name](options)
}

const faults: Record<FaultName, Fault> = {
  'runtime killed': ({ world, random }) => random.pick(world.runtimes).kill(),

  async 'all runtimes killed'({ world }) {
    await Promise.all(world.runtimes.map((runtime) => runtime.kill()))
  },

  'runtime restarted': ({ world, random }) => random.pick(world.runtimes).restart(),

  'runtime paused': ({ world, random, pausedMs }) =>
    random.pick(world.runtimes).pause(random.between(pausedMs / 10, pausedMs)),

  async 'nats killed'({ world }) {
    await world.nats.kill('SIGKILL')
    await world.nats.restart()
  },

  'nats restarted': ({ world }) => world.nats.restart(),

  async 'database away'({ world, databaseAwayMs }) {
    await world.database.kill('SIGKILL')
    await delay(databaseAwayMs)
    await world.database.restart()
  },

  'message delivered again': (options) => ifNatsIsThere(() => deliverAgain(options)),

  /** The consumers of the log are made anew: everything comes once more, from the first on. */
  async 'log read again'({ world }) {
    await ifNatsIsThere(async () => {
      const jsm = await jetstreamManager(world.nc)
      for (const name of ['persist', 'persist-thread'])
        await jsm.consumers.delete(CHAT_MESSAGES.stream, name)
    })
    await Promise.all(world.runtimes.map((runtime) => runtime.restart()))
  },

  'index lost': ({ world }) =>
    ifNatsIsThere(async () => {
      const jsm = await jetstreamManager(world.nc)
      await jsm.streams.purge(`KV_${ROOMS_KV.bucket}`)
    }),
}

/** As if JetStream had forgotten that it has a message: it stands in the log twice. */
async function deliverAgain({ world, random }: FaultOptions) {
  const jsm = await jetstreamManager(world.nc)
  const { state } = await jsm.streams.info(CHAT_MESSAGES.stream)
  const seq = Math.max(1, state.last_seq - random.between(0, 200))
  const found = await jsm.direct.getMessage(CHAT_MESSAGES.stream, { seq })
  if (found?.json<{ kind: string }>().kind !== 'message') return
  const hdrs = headers()
  hdrs.set('Nats-Msg-Id', `again.${random.next()}`)
  await world.nc.request(found.subject, found.data, { headers: hdrs, timeout: 2_000 })
}

/** The other lane may have it away. What cannot go wrong then does not. */
async function ifNatsIsThere(work: () => Promise<void>) {
  await work().catch(() => {})
}
