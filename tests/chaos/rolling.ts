import { setTimeout as delay } from 'node:timers/promises'
import { jetstreamManager } from '@nats-io/jetstream'
import { closeDb } from '#schema/db'
import type { MessageId, RoomId } from '#schema/ids'
import { CHAT_MESSAGES } from '#schema/streams'
import type { NatsService } from '../../stack/services/nats.ts'
import { untilHealthy } from './faults.ts'
import { type Acknowledged, callUntilAnswered, type Figures, RollingLoad } from './rolling-load.ts'
import type { SimulatedUser } from './simulated-user.ts'
import { type SystemUnderTest, startSystem } from './system-under-test.ts'

export interface RollingOptions {
  durationMs: number
  userCount: number
  runtimeCount: number
  /** In addition to the restarts, freezes each server for a minute. */
  freezes: boolean
  log: (message: string) => void
}

export interface Measurement {
  /** The words that follow the seconds in the report, such as `until a message was persisted`. */
  name: string
  seconds: number
  bar?: number
}

export interface RollingReport {
  acknowledged: number
  reads: number
  measured: Measurement[]
  verdict: Record<string, string[]>
}

const freezeMs = 60_000
interface Span {
  from: number
  to: number
}

/**
 * The measurement of a restart ends this long after the restart. The next restart begins after
 * another quarter of this time.
 */
const pauseMs = 2_000
const lagSampleMs = 250
const maxHistoryMs = 60_000

/**
 * Restarts the nats-servers and runtimes of a cluster one after the other, under load. In every
 * second round, the servers stop in lame duck mode instead of by SIGTERM.
 */
export async function runRolling(options: RollingOptions): Promise<RollingReport> {
  const { userCount, runtimeCount, durationMs, freezes, log } = options
  await using system = await startSystem({
    userCount,
    runtimeCount,
    database: 'postgres',
    isCluster: true,
  })
  try {
    const [first] = system.users
    if (!first) throw new Error('A run takes at least one user')
    const room = `room-${crypto.randomUUID()}` as RoomId
    await callUntilAnswered(first, 'room.create', { room, name: 'Rolling', kind: 'public' })
    for (const user of system.users) await callUntilAnswered(user, 'room.join', { room })

    const ended = new AbortController()
    const load = new RollingLoad(system.users, room)
    const sending = load.run(ended.signal)
    const lag = watchLag(system, load, ended.signal)
    const spans: Record<'restart' | 'freeze', Span[]> = { restart: [], freeze: [] }
    const step = async (kind: keyof typeof spans, name: string, act: () => Promise<void>) => {
      const from = performance.now()
      await act()
      await delay(pauseMs)
      const to = performance.now()
      spans[kind].push({ from, to })
      log(`${name}: ${describe(load.figures(from, to))}`)
      await delay(pauseMs / 4)
    }
    await delay(pauseMs)
    const until = performance.now() + durationMs
    for (let round = 0; round === 0 || performance.now() < until; round++) {
      const isLameDuck = round % 2 === 1
      const how = isLameDuck ? 'lame duck mode' : 'SIGTERM'
      for (const server of system.servers)
        await step('restart', `${server.name} restarted by ${how}`, () =>
          restartServer(server, isLameDuck),
        )
      for (const [index, runtime] of system.runtimes.entries())
        await step('restart', `runtime-${index} restarted`, () => runtime.restart())
      if (!freezes) continue
      for (const server of system.servers)
        await step('freeze', `${server.name} frozen for 60 s`, () => freeze(server))
    }
    ended.abort()
    await sending
    const unpersistedMs = await lag
    const missing = await findMissing(first, room, load.acknowledged)
    const worst = (kind: keyof typeof spans, figure: 'gapMs' | 'slowestMs') =>
      Math.max(...spans[kind].map(({ from, to }) => load.figures(from, to)[figure])) / 1_000
    const measured: Measurement[] = [
      {
        name: 'without an acknowledgement, at restarts',
        seconds: worst('restart', 'gapMs'),
        bar: 0.5,
      },
      { name: 'for the slowest message, at restarts', seconds: worst('restart', 'slowestMs') },
      { name: 'until a message was persisted', seconds: unpersistedMs / 1_000, bar: 20 },
    ]
    if (freezes)
      measured.push(
        {
          name: 'without an acknowledgement, with a frozen server',
          seconds: worst('freeze', 'gapMs'),
        },
        {
          name: 'for the slowest message, with a frozen server',
          seconds: worst('freeze', 'slowestMs'),
          bar: 15,
        },
      )
    return {
      acknowledged: load.acknowledged.size,
      reads: load.reads,
      measured,
      verdict: {
        'every message is acknowledged, if necessary after a retry with the same client id':
          load.failed,
        'no read lacks a message that was acknowledged before it': load.stale,
        'chat.history contains every acknowledged message with its sequence': missing,
        'no process exits unexpectedly': system.crashes,
      },
    }
  } finally {
    await closeDb()
  }
}

function describe({ sent, repeated, gapMs, slowestMs }: Figures): string {
  const [gap, slowest] = [gapMs, slowestMs].map((ms) => (ms / 1_000).toFixed(2))
  return `${gap} s without an acknowledgement, slowest message ${slowest} s, ${repeated} of ${sent} repeated`
}

async function restartServer(server: NatsService, isLameDuck: boolean) {
  if (isLameDuck) {
    await server.kill('SIGUSR2')
    await server.exited
  }
  await server.restart()
  await untilHealthy(server)
}

async function freeze(server: NatsService) {
  await server.kill('SIGSTOP')
  await delay(freezeMs)
  await server.kill('SIGCONT')
  await untilHealthy(server)
}

/** Returns the longest time from the acknowledgement of a message until `persist` stored it. */
async function watchLag(
  { nc }: SystemUnderTest,
  { acknowledged }: RollingLoad,
  signal: AbortSignal,
): Promise<number> {
  const jsm = await jetstreamManager(nc, { checkAPI: false })
  let longestMs = 0
  while (!signal.aborted) {
    await delay(lagSampleMs)
    const now = performance.now()
    const info = await jsm.consumers.info(CHAT_MESSAGES.stream, 'persist').catch(() => undefined)
    if (!info) continue
    const persisted = info.ack_floor.stream_seq
    // `times` is ordered from the newest to the oldest message.
    const times = [...acknowledged.values()].reverse()
    const end = times.findIndex(({ seq }) => seq <= persisted)
    for (const { seq, acknowledgedAt } of times.slice(0, end < 0 ? undefined : end + 200))
      if (seq > persisted) longestMs = Math.max(longestMs, now - acknowledgedAt)
  }
  return longestMs
}

/**
 * Reads the whole history repeatedly, until it contains all acknowledged messages. Returns those
 * that are missing after a minute.
 */
async function findMissing(
  user: SimulatedUser,
  room: RoomId,
  acknowledged: ReadonlyMap<MessageId, Acknowledged>,
): Promise<string[]> {
  for (const until = performance.now() + maxHistoryMs; ; ) {
    const found = new Map<MessageId, number>()
    for (let before: number | undefined, isLast = false; !isLast; ) {
      const range = before === undefined ? {} : { before }
      const page = await callUntilAnswered(user, 'chat.history', { room, limit: 100, ...range })
      for (const { id, seq } of page.messages) found.set(id, seq)
      before = page.messages[0]?.seq
      isLast = !page.before
    }
    const missing = [...acknowledged].filter(([id, { seq }]) => found.get(id) !== seq)
    if (missing.length === 0 || performance.now() > until)
      return missing.map(([id, { seq }]) => `${id} with sequence ${seq} is missing`)
  }
}
