import { setTimeout as delay } from 'node:timers/promises'
import { jetstreamManager } from '@nats-io/jetstream'
import { headers } from '@nats-io/nats-core'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'
import type { Random } from './random.ts'
import type { SystemUnderTest } from './system-under-test.ts'

export interface FaultOptions {
  system: SystemUnderTest
  random: Random
  databaseOutageMs: number
  maxPauseMs: number
}

type Fault = (options: FaultOptions) => Promise<void>

/** Two fault schedules, which run in parallel. Each number is a fault's relative frequency. */
const schedules = {
  runtimes: {
    'runtime killed': 4,
    'all runtimes killed': 0.5,
    'runtime restarted': 3,
    'runtime paused': 2,
    'message appended twice': 5,
    'consumers recreated': 0.5,
  },
  dependencies: {
    'nats killed': 1,
    'nats restarted': 1,
    'database unavailable': 1,
    'index purged': 1,
  },
} as const

export type ScheduleName = keyof typeof schedules
export type FaultName =
  | keyof (typeof schedules)['runtimes']
  | keyof (typeof schedules)['dependencies']
export const scheduleNames = Object.keys(schedules) as ScheduleName[]

export function scheduleOf(name: FaultName): ScheduleName {
  return name in schedules.runtimes ? 'runtimes' : 'dependencies'
}

export function pickFault(schedule: ScheduleName, random: Random): FaultName {
  return random.weighted<FaultName>(schedules[schedule] as Readonly<Record<FaultName, number>>)
}

export function injectFault(name: FaultName, options: FaultOptions): Promise<void> {
  return faults[name](options)
}

const faults: Record<FaultName, Fault> = {
  'runtime killed': ({ system, random }) => random.pick(system.runtimes).kill(),

  async 'all runtimes killed'({ system }) {
    await Promise.all(system.runtimes.map((runtime) => runtime.kill()))
  },

  'runtime restarted': ({ system, random }) => random.pick(system.runtimes).restart(),

  'runtime paused': ({ system, random, maxPauseMs }) =>
    random.pick(system.runtimes).pause(random.between(maxPauseMs / 10, maxPauseMs)),

  async 'nats killed'({ system }) {
    await system.nats.kill('SIGKILL')
    await system.nats.restart()
  },

  'nats restarted': ({ system }) => system.nats.restart(),

  async 'database unavailable'({ system, databaseOutageMs }) {
    await system.database.kill('SIGKILL')
    await delay(databaseOutageMs)
    await system.database.restart()
  },

  'message appended twice': (options) => ignoreOutage(() => appendDuplicate(options)),

  /** The recreated consumers deliver all events of the stream again. */
  async 'consumers recreated'({ system }) {
    await ignoreOutage(async () => {
      const jsm = await jetstreamManager(system.nc)
      for (const name of ['persist', 'persist-thread'])
        await jsm.consumers.delete(CHAT_MESSAGES.stream, name)
    })
    await Promise.all(system.runtimes.map((runtime) => runtime.restart()))
  },

  'index purged': ({ system }) =>
    ignoreOutage(async () => {
      const jsm = await jetstreamManager(system.nc)
      await jsm.streams.purge(`KV_${ROOMS_KV.bucket}`)
    }),
}

/**
 * Appends a stored message again with a new `Nats-Msg-Id`, so that the stream does not reject it.
 */
async function appendDuplicate({ system, random }: FaultOptions) {
  const jsm = await jetstreamManager(system.nc)
  const { state } = await jsm.streams.info(CHAT_MESSAGES.stream)
  const seq = Math.max(1, state.last_seq - random.between(0, 200))
  const stored = await jsm.direct.getMessage(CHAT_MESSAGES.stream, { seq })
  if (stored?.json<{ kind: string }>().kind !== 'message') return
  const hdrs = headers()
  hdrs.set('Nats-Msg-Id', `again.${random.next()}`)
  await system.nc.request(stored.subject, stored.data, { headers: hdrs, timeout: 2_000 })
}

/** Ignores an error, because the other schedule may have stopped NATS. */
async function ignoreOutage(inject: () => Promise<void>) {
  await inject().catch(() => {})
}
