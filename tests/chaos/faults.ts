import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { jetstreamManager } from '@nats-io/jetstream'
import { headers } from '@nats-io/nats-core'
import { CHAT_MESSAGES, ROOMS_KV } from '#schema/streams'
import type { NatsService } from '../../stack/services/nats.ts'
import type { ProcessService } from '../../stack/services/service.ts'
import type { Random } from './random.ts'
import { freezeAndKill } from './runtime-instance.ts'
import type { SystemUnderTest } from './system-under-test.ts'

export interface FaultOptions {
  system: SystemUnderTest
  random: Random
  databaseOutageMs: number
  maxPauseMs: number
}

const maxServerOutageMs = 15_000

type Fault = (options: FaultOptions) => Promise<void>

/**
 * The schedules run in parallel, each with its own faults. A number is a fault's relative
 * frequency.
 */
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

const additions = {
  freeze: {
    runtimes: { 'runtime frozen': 2 },
    dependencies: { 'nats frozen': 1, 'database frozen': 1 },
  },
  'disk-full': { runtimes: {}, dependencies: { 'disk full': 2 } },
  cluster: { runtimes: {}, dependencies: { 'nats paused': 1, 'cluster restarted': 0.5 } },
} as const

export type ScheduleName = keyof typeof schedules
type FaultsOf<S> =
  S extends Record<ScheduleName, unknown> ? keyof S['runtimes'] | keyof S['dependencies'] : never
export type Addition = keyof typeof additions
export type FaultName = FaultsOf<typeof schedules> | FaultsOf<(typeof additions)[Addition]>
export const scheduleNames = Object.keys(schedules) as ScheduleName[]

export function faultsOf(schedule: ScheduleName, added: readonly Addition[]) {
  const all = [schedules, ...added.map((name) => additions[name])]
  const weights: Partial<Record<FaultName, number>> = {}
  for (const each of all) Object.assign(weights, each[schedule])
  return weights as Readonly<Record<FaultName, number>>
}

export function addedFaults(addition: Addition): FaultName[] {
  return Object.values(additions[addition]).flatMap((faults) => Object.keys(faults)) as FaultName[]
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

  'runtime frozen': ({ system, random }) => random.pick(system.runtimes).freeze(),

  async 'nats killed'({ system, random }) {
    const { servers } = system
    const server = random.pick(servers)
    await server.kill('SIGKILL')
    // The server stays down for a while, because the rest of a cluster must work without it.
    if (servers.length > 1) await delay(random.between(0, maxServerOutageMs))
    await server.restart()
  },

  'nats restarted': ({ system, random }) => random.pick(system.servers).restart(),

  async 'nats paused'({ system, random }) {
    const server = random.pick(system.servers)
    const start = Date.now()
    await server.kill('SIGSTOP')
    await delay(random.between(1_000, maxServerOutageMs))
    await server.kill('SIGCONT')
    system.pauses.push({ start, end: Date.now() })
  },

  /** Restarts the servers and runtimes one after the other, as a rolling update does. */
  async 'cluster restarted'({ system }) {
    for (const server of system.servers) {
      await server.restart()
      await untilHealthy(server)
    }
    for (const runtime of system.runtimes) await runtime.restart()
  },

  async 'database unavailable'({ system, databaseOutageMs }) {
    await system.database.kill('SIGKILL')
    await delay(databaseOutageMs)
    await system.database.restart()
  },

  'nats frozen': ({ system, random }) => freezeUntilReplaced(random.pick(system.servers)),

  /**
   * A frozen PGlite is killed and restarted, as `npm start` would do. PostgreSQL is only paused,
   * because `npm start` does not run it.
   */
  async 'database frozen'({ system, databaseOutageMs }) {
    if (system.database.name === 'pglite') return freezeUntilReplaced(system.database)
    const pids = await processTree(system.database.pid)
    for (const pid of pids) process.kill(pid, 'SIGSTOP')
    await delay(databaseOutageMs)
    for (const pid of pids) process.kill(pid, 'SIGCONT')
  },

  /** When the disk has space again, restarts the services that store data, as `npm start` does. */
  async 'disk full'({ system, databaseOutageMs }) {
    const { smallDisk, servers, database } = system
    if (!smallDisk) throw new Error('The system has no disk that can be filled')
    const { disk, watch } = smallDisk
    const watching = new AbortController()
    const stored = [...servers, database].filter(({ name }) => name !== 'postgres')
    const returned = stored.map((service) => watch.untilWritableAgain(service, watching.signal))
    disk.fill()
    await delay(databaseOutageMs)
    await disk.free()
    await Promise.all(returned)
    watching.abort()
    for (const service of stored) await service.restart()
  },

  'message appended twice': (options) => ignoreOutage(() => appendDuplicate(options)),

  /**
   * Deletes the consumers of `persist` and `persist.thread`. The restarted runtimes create them
   * anew, and the new consumers deliver all events of the stream again.
   */
  async 'consumers recreated'({ system }) {
    await ignoreOutage(async () => {
      const jsm = await jetstreamManager(system.nc)
      for (const { stream } of system.partitions.streamsOf(CHAT_MESSAGES))
        for (const name of ['persist', 'persist-thread']) await jsm.consumers.delete(stream, name)
    })
    await Promise.all(system.runtimes.map((runtime) => runtime.restart()))
  },

  'index purged': ({ system, random }) =>
    ignoreOutage(async () => {
      const jsm = await jetstreamManager(system.nc)
      const { bucket } = random.pick(system.partitions.bucketsOf(ROOMS_KV))
      await jsm.streams.purge(`KV_${bucket}`)
    }),
}

async function processTree(pid: number | undefined): Promise<number[]> {
  if (pid === undefined) return []
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return [pid, ...children.split(' ').filter(Boolean).map(Number)]
}

/** Appends a copy of a stored message. Its new `Nats-Msg-Id` makes the stream accept the copy. */
async function appendDuplicate({ system, random }: FaultOptions) {
  const jsm = await jetstreamManager(system.nc)
  const { stream } = random.pick(system.partitions.streamsOf(CHAT_MESSAGES))
  const { state } = await jsm.streams.info(stream)
  const seq = Math.max(state.first_seq, state.last_seq - random.between(0, 200))
  const stored = await jsm.direct.getMessage(stream, { seq })
  if (stored?.json<{ kind: string }>().kind !== 'message') return
  const hdrs = headers()
  hdrs.set('Nats-Msg-Id', `again.${random.next()}`)
  const { subject } = system.partitions.route(stored.subject)
  await system.nc.request(subject, stored.data, { headers: hdrs, timeout: 2_000 })
}

/**
 * Waits until the server has caught up with the messages that other servers stored during its
 * outage.
 */
export async function untilHealthy({ monitorUrl }: NatsService) {
  for (const until = Date.now() + 30_000; Date.now() < until; ) {
    const answer = await fetch(`${monitorUrl}/healthz`).catch(() => undefined)
    if (answer?.ok) return
    await delay(100)
  }
}

async function freezeUntilReplaced(service: ProcessService) {
  await freezeAndKill(service)
  await service.restart()
}

/** Ignores an error, because a fault of another schedule may have stopped NATS at the same time. */
async function ignoreOutage(inject: () => Promise<void>) {
  await inject().catch(() => {})
}
