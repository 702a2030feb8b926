import { setTimeout as delay } from 'node:timers/promises'
import { closeDb } from '#schema/db'
import type { DatabaseKind } from '../servers.ts'
import { collectEvidence, settle } from './collect.ts'
import { cause, type FaultName } from './faults.ts'
import { act, type Story } from './operations.ts'
import { createRandom, type Random } from './random.ts'
import { judge } from './verdict.ts'
import { startWorld, type World } from './world.ts'

export interface ChaosOptions {
  /** What people do and what goes wrong follows from it; when exactly does not. */
  seed: number
  /** How long people go on, in milliseconds. */
  ms: number
  people?: number
  runtimes?: number
  database?: DatabaseKind
  databaseAwayMs?: number
  /** What must go wrong, in this order, before anything else does. */
  faults?: readonly FaultName[]
  log?: (message: string) => void
}

export interface ChaosReport {
  seed: number
  /** How often what was answered: `send ok`, `send forbidden`. */
  answers: Record<string, number>
  faults: string[]
  /** For each check what it has found; nothing, where all is well. */
  verdict: Record<string, string[]>
}

/** Lets people use the whole system while parts of it fail, and then looks at what has become of it. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { seed, ms, people = 6, runtimes = 2, database = 'postgres', log = () => {} } = options
  const random = createRandom(seed)
  const answers: Record<string, number> = {}
  const count = (what: string) => {
    answers[what] = (answers[what] ?? 0) + 1
  }
  await using world = await startWorld({ people, runtimes, database, count })
  const story: Story = {
    users: world.people.map(({ user }) => user),
    rooms: [],
    acks: [],
    moves: [],
    belongs: new Set(),
    reads: [],
    said: [],
  }

  const ends = new AbortController()
  const living = world.people.map((person) => live(person, story, random.fork(), ends.signal))
  const failing = failOver(world, story, random.fork(), options, ends.signal, log)
  await delay(ms)
  const failed = await failing.stop()
  ends.abort()
  await Promise.all(living)

  log('people have stopped; waiting for the database')
  try {
    await settle(world)
    const verdict = judge(await collectEvidence(world, story))
    if (Object.values(verdict).some((wrong) => wrong.length > 0)) keepLogs(world)
    return { seed, answers, faults: failed, verdict }
  } catch (error) {
    keepLogs(world)
    throw error
  } finally {
    await closeDb()
  }
}

function keepLogs(world: World) {
  world.keepLogs()
  console.error(`What everything printed is in ${world.dir}`)
}

async function live(
  person: World['people'][number],
  story: Story,
  random: Random,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await act(person, story, random)
    await delay(random.between(0, 40))
  }
}

/** One thing after the other goes wrong, with time to recover in between; not always enough of it. */
function failOver(
  world: World,
  story: Story,
  random: Random,
  { faults = [], databaseAwayMs = 3_000 }: ChaosOptions,
  signal: AbortSignal,
  log: (message: string) => void,
) {
  const failed: string[] = []
  let isOver = false
  const running = (async () => {
    const first = [...faults]
    while (!isOver && !signal.aborted) {
      await delay(random.between(300, 2_000))
      if (isOver) break
      const options = { world, random, rooms: story.rooms, databaseAwayMs }
      failed.push(await cause(options, first.shift()))
      log(`${failed.at(-1)}; ${story.acks.length} messages acknowledged so far`)
    }
  })()
  return {
    async stop() {
      isOver = true
      await running
      return failed
    },
  }
}
