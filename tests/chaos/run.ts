import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { closeDb } from '#schema/db'
import type { DatabaseKind } from '../support/servers.ts'
import { collectEvidence, settle } from './collect.ts'
import type { Evidence } from './evidence.ts'
import {
  type Addition,
  addedFaults,
  type FaultName,
  faultsOf,
  injectFault,
  type ScheduleName,
  scheduleNames,
} from './faults.ts'
import { createOperationHistory, type OperationHistory } from './operation-history.ts'
import { createInitialRooms, runOperation } from './operations.ts'
import { createRandom, type Random } from './random.ts'
import { isIndeterminate } from './simulated-user.ts'
import { type SystemUnderTest, startSystem } from './system-under-test.ts'
import type { DeliveryCounts } from './user-room-view.ts'
import { checkEvidence } from './verdict.ts'

export interface ChaosOptions {
  /** The seed determines the operations and the faults, but not their exact timing. */
  seed: number
  durationMs: number
  userCount?: number
  runtimeCount?: number
  database?: DatabaseKind
  databaseOutageMs?: number
  maxPauseMs?: number
  faults?: readonly FaultName[]
  /** Groups of additional faults. The group `disk-full` needs root. */
  additions?: readonly Addition[]
  /** The number of partitions of CHAT_MESSAGES and ROOMS_KV. */
  partitionCount?: number
  log?: (message: string) => void
}

export interface ChaosReport {
  seed: number
  /** The number of answers by `{function} {code}`, such as `send forbidden`. */
  answers: Record<string, number>
  acknowledged: number
  faults: FaultName[]
  deliveries: DeliveryCounts
  verdict: Record<string, string[]>
  dir?: string
}

const operationsAfterFaults = 15

export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const {
    seed,
    durationMs,
    userCount = 6,
    runtimeCount = 2,
    database = 'postgres',
    additions = [],
    partitionCount = 1,
    log = () => {},
  } = options
  const random = createRandom(seed)
  await using system = await startSystem({
    userCount,
    runtimeCount,
    database,
    hasSmallDisk: additions.includes('disk-full'),
    isCluster: additions.includes('cluster'),
    partitionCount,
  })
  const history = createOperationHistory(system.users.map(({ userId }) => userId))
  try {
    await createInitialRooms(system.users, history, random)
    const faults = await runLoad(system, history, random, options, durationMs)
    log('faults injected, waiting until the system settles')
    await settle(system)
    const failed = await runWithoutFaults(system, history, random)
    await settle(system)
    log('collecting evidence')
    const evidence = await collectEvidence(system, history, failed)
    const verdict = checkEvidence(evidence)
    const passes = Object.values(verdict).every((violations) => violations.length === 0)
    if (!passes) await writeEvidence(system, evidence, verdict)
    const { answers, deliveries } = system
    const report = { seed, answers, deliveries, faults, acknowledged: history.acks.length, verdict }
    return passes ? report : { ...report, dir: system.dir }
  } catch (error) {
    system.preserveLogs()
    throw new Error(`The run was aborted by an error; see the logs in ${system.dir}`, {
      cause: error,
    })
  } finally {
    await closeDb()
  }
}

async function writeEvidence(
  system: SystemUnderTest,
  { frames, views, ...evidence }: Evidence,
  verdict: ChaosReport['verdict'],
) {
  system.preserveLogs()
  const replacer = (_key: string, value: unknown) =>
    value instanceof Map || value instanceof Set ? [...value] : value
  const write = (name: string, value: unknown) =>
    writeFile(join(system.dir, name), JSON.stringify(value, replacer, 1))
  await write('verdict.json', verdict)
  await write('evidence.json', evidence)
  await write('views.json', views)
  await writeFile(
    join(system.dir, 'frames.jsonl'),
    frames.map((frame) => JSON.stringify(frame)).join('\n'),
  )
}

async function runLoad(
  system: SystemUnderTest,
  history: OperationHistory,
  random: Random,
  options: ChaosOptions,
  durationMs: number,
): Promise<FaultName[]> {
  const stop = new AbortController()
  const load = system.users.map(async (actor) => {
    const userRandom = random.fork()
    while (!stop.signal.aborted) {
      await runOperation(actor, history, userRandom)
      await delay(userRandom.between(0, 40))
    }
  })
  const injected: FaultName[] = []
  const schedules = scheduleNames.map((schedule) =>
    runFaultSchedule(schedule, system, history, random.fork(), options, stop.signal, injected),
  )
  const all = [...load, ...schedules]
  try {
    await Promise.race([delay(durationMs), ...all])
  } finally {
    stop.abort()
    await Promise.allSettled(all)
  }
  await Promise.all(all)
  return injected
}

async function runFaultSchedule(
  schedule: ScheduleName,
  system: SystemUnderTest,
  history: OperationHistory,
  random: Random,
  options: ChaosOptions,
  signal: AbortSignal,
  injected: FaultName[],
) {
  const { faults = [], additions = [], log = () => {} } = options
  const { databaseOutageMs = 3_000, maxPauseMs = 3_000 } = options
  const weights = faultsOf(schedule, additions)
  const first = [...faults, ...additions.flatMap(addedFaults)].filter((name) => name in weights)
  const [minDelayMs, maxDelayMs] = schedule === 'dependencies' ? [1_000, 6_000] : [300, 2_000]
  while (true) {
    await delay(random.between(minDelayMs, maxDelayMs), undefined, { signal }).catch(
      () => undefined,
    )
    if (signal.aborted) return
    const name = first.shift() ?? random.weighted(weights)
    await injectFault(name, { system, random, databaseOutageMs, maxPauseMs })
    injected.push(name)
    log(`${name}, ${history.acks.length} messages acknowledged so far`)
  }
}

async function runWithoutFaults(
  system: SystemUnderTest,
  history: OperationHistory,
  random: Random,
): Promise<string[]> {
  const before = { ...system.answers }
  await Promise.all(
    system.users.map(async (actor) => {
      const userRandom = random.fork()
      for (let count = 0; count < operationsAfterFaults; count++)
        await runOperation(actor, history, userRandom)
    }),
  )
  return Object.entries(system.answers).flatMap(([answer, count]) => {
    const added = count - (before[answer] ?? 0)
    const [, code = ''] = answer.split(' ')
    // `disconnected` is not reported: even without a fault, the operation `reconnect` makes the
    // user's calls in flight fail with this code.
    if (added === 0 || !isIndeterminate(code) || code === 'disconnected') return []
    return [`${answer}: ${added} times, such as "${system.reasons[answer]}"`]
  })
}
