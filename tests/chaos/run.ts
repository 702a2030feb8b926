import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { closeDb } from '#schema/db'
import type { DatabaseKind } from '../support/servers.ts'
import { collectEvidence, settle } from './collect.ts'
import type { Evidence } from './evidence.ts'
import { cause, type FaultName, type Lane, laneNames, laneOf, pickFault } from './faults.ts'
import { act, begin } from './operations.ts'
import { isUnknown } from './person.ts'
import { createRandom, type Random } from './random.ts'
import { createStory, type Story } from './story.ts'
import { judge } from './verdict.ts'
import type { Ways } from './view.ts'
import { startWorld, type World } from './world.ts'

export interface ChaosOptions {
  /** What people do and what goes wrong follows from it; when exactly does not. */
  seed: number
  /** How long people go on while things fail, in milliseconds. */
  ms: number
  people?: number
  runtimes?: number
  database?: DatabaseKind
  databaseAwayMs?: number
  pausedMs?: number
  /** What must go wrong, in this order, before anything else does. */
  faults?: readonly FaultName[]
  log?: (message: string) => void
}

export interface ChaosReport {
  seed: number
  /** How often what was answered: `send ok`, `send forbidden`. */
  answers: Record<string, number>
  acknowledged: number
  faults: FaultName[]
  ways: Ways
  /** For each check what it has found; nothing, where all is well. */
  verdict: Record<string, string[]>
  /** Where the logs and what was found are, if something was. */
  dir?: string
}

/** How much each does when nothing fails any more. */
const calmActs = 15

/** Lets people use the whole system while parts of it fail, and then looks at what has become of it. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { seed, ms, people = 6, runtimes = 2, database = 'postgres', log = () => {} } = options
  const random = createRandom(seed)
  await using world = await startWorld({ people, runtimes, database })
  const story = createStory(world.people.map(({ user }) => user))
  try {
    await begin(world.people, story, random)
    const faults = await live(world, story, random, options, ms)
    log('nothing fails any more; waiting for what is under way')
    await settle(world)
    const calm = await actCalmly(world, story, random)
    await settle(world)
    log('looking at what has become of it')
    const evidence = await collectEvidence(world, story, calm)
    const verdict = judge(evidence)
    const isFine = Object.values(verdict).every((wrong) => wrong.length === 0)
    if (!isFine) await keepEvidence(world, evidence, verdict)
    const { answers, ways } = world
    const report = { seed, answers, ways, faults, acknowledged: story.acks.length, verdict }
    return isFine ? report : { ...report, dir: world.dir }
  } catch (error) {
    world.keepLogs()
    throw new Error(`The run could not go on; its logs are in ${world.dir}`, { cause: error })
  } finally {
    await closeDb()
  }
}

/** For who wants to know why. */
async function keepEvidence(
  world: World,
  { frames, views, ...evidence }: Evidence,
  verdict: ChaosReport['verdict'],
) {
  world.keepLogs()
  const asJson = (_key: string, value: unknown) =>
    value instanceof Map || value instanceof Set ? [...value] : value
  const write = (name: string, value: unknown) =>
    writeFile(join(world.dir, name), JSON.stringify(value, asJson, 1))
  await write('verdict.json', verdict)
  await write('evidence.json', evidence)
  await write('views.json', views)
  await writeFile(
    join(world.dir, 'frames.jsonl'),
    frames.map((frame) => JSON.stringify(frame)).join('\n'),
  )
}

/** People act and things fail, side by side. */
async function live(
  world: World,
  story: Story,
  random: Random,
  options: ChaosOptions,
  ms: number,
): Promise<FaultName[]> {
  const ends = new AbortController()
  const living = world.people.map(async (person) => {
    const own = random.fork()
    while (!ends.signal.aborted) {
      await act(person, story, own)
      await delay(own.between(0, 40))
    }
  })
  const caused: FaultName[] = []
  const failing = laneNames.map((lane) =>
    fail(lane, world, story, random.fork(), options, ends.signal, caused),
  )
  const all = [...living, ...failing]
  try {
    await Promise.race([delay(ms), ...all])
  } finally {
    ends.abort()
    await Promise.allSettled(all)
  }
  await Promise.all(all)
  return caused
}

/** One thing after the other goes wrong, with time to recover in between; not always enough of it. */
async function fail(
  lane: Lane,
  world: World,
  story: Story,
  random: Random,
  { faults = [], databaseAwayMs = 3_000, pausedMs = 3_000, log = () => {} }: ChaosOptions,
  signal: AbortSignal,
  caused: FaultName[],
) {
  const first = faults.filter((name) => laneOf(name) === lane)
  const [least, most] = lane === 'ground' ? [1_000, 6_000] : [300, 2_000]
  while (true) {
    await delay(random.between(least, most), undefined, { signal }).catch(() => undefined)
    if (signal.aborted) return
    const name = first.shift() ?? pickFault(lane, random)
    await cause(name, { world, random, databaseAwayMs, pausedMs })
    caused.push(name)
    log(`${name}; ${story.acks.length} messages acknowledged so far`)
  }
}

/** What is asked now must be answered: with a refusal, perhaps, but one that is meant. */
async function actCalmly(world: World, story: Story, random: Random): Promise<string[]> {
  const before = { ...world.answers }
  await Promise.all(
    world.people.map(async (person) => {
      const own = random.fork()
      for (let count = 0; count < calmActs; count++) await act(person, story, own)
    }),
  )
  return Object.entries(world.answers).flatMap(([what, count]) => {
    const more = count - (before[what] ?? 0)
    const [, code = ''] = what.split(' ')
    // One who loses the connection loses the answers under way with it.
    if (more === 0 || !isUnknown(code) || code === 'disconnected') return []
    return [`${what}: ${more} times`]
  })
}
