import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/nats-core'
import { heartbeatMs, repairMs } from '../../schema/messages/presence.ts'
import type { BenchFixture } from '../fixture.ts'
import type { Line, Section } from '../measure.ts'
import type { Worker } from '../worker.ts'

const counts = [200, 1_000, 3_000]
const windowMs = 30_000
/**
 * After this time, the leases of earlier measurements have expired, and `presence.sweep` has already
 * compared the leases with the connections. (The leases of this benchmark belong to no connection.)
 */
const settleMs = 60_000
const streams = ['KV_PRESENCE', 'KV_PRESENCE_CONN', 'CONNECTIONS', 'RATE_LIMIT', 'SCHEDULES']
/** Linux counts the processor time of a process in ticks of 10 ms. */
const tickMs = 10

const rows = [
  { name: 'leases of connections', connId: 'connection', everyMs: repairMs },
  { name: 'expiring leases', connId: 'tab', everyMs: heartbeatMs },
] as const
type Row = (typeof rows)[number]

interface Usage {
  writes: number
  natsMs: number
  runtimeMs: number
}

export interface IdleOptions {
  fixture: BenchFixture
  users: Worker
  nc: NatsConnection
  readCpu: () => Promise<number>
}

/** Measures the cost of users who only stay connected. */
export async function measureIdle(options: IdleOptions): Promise<Section> {
  const manager = await jetstreamManager(options.nc)
  await sleep(settleMs)
  const lines: Line[] = []
  const writes = new Map<string, number[]>()
  lines.push({ name: 'no users', value: format(await measureUsage(manager, options)) })
  for (const row of rows) {
    for (const count of counts) {
      await addUsers(row, count, options)
      const used = await measureUsage(manager, options)
      lines.push({ name: `${count} users, ${row.name}`, value: format(used) })
      writes.set(row.name, [...(writes.get(row.name) ?? []), used.writes])
    }
    await options.users.call('leave')
  }
  for (const [name, [fewest = 0, ...others]] of writes) {
    const most = others.at(-1)
    if (most === undefined) continue
    const exponent = Math.log(most / fewest) / Math.log((counts.at(-1) ?? 1) / (counts[0] ?? 1))
    lines.push({ name: `writes, ${name}`, value: `grow with users^${exponent.toFixed(2)}` })
  }
  return { title: 'Idle users, each minute: writes, processor time', lines }
}

/** Adds users until there are `count`: the users of earlier calls stay. */
async function addUsers(
  { connId, everyMs }: Row,
  count: number,
  { users, nc }: IdleOptions,
): Promise<void> {
  const server = nc.info?.server_id
  await users.call('stay', { prefix: `idle-${connId}`, count, everyMs, server })
  // Waits, because the first heartbeats set the users online. The measurement must not include this.
  await sleep(10_000)
}

async function measureUsage(
  manager: JetStreamManager,
  { fixture, readCpu }: IdleOptions,
): Promise<Usage> {
  const read = async () => ({
    at: performance.now(),
    writes: await countWrites(manager),
    natsMs: await readProcessMs(fixture.nats.pid),
    runtimeMs: (await readCpu()) / 1_000,
  })
  const before = await read()
  await sleep(windowMs)
  const after = await read()
  const perMinute = (figure: keyof Usage) =>
    ((after[figure] - before[figure]) / (after.at - before.at)) * 60_000
  return {
    writes: perMinute('writes'),
    natsMs: perMinute('natsMs'),
    runtimeMs: perMinute('runtimeMs'),
  }
}

async function countWrites(manager: JetStreamManager): Promise<number> {
  const infos = await Promise.all(streams.map((name) => manager.streams.info(name)))
  return infos.reduce((sum, { state }) => sum + state.last_seq, 0)
}

async function readProcessMs(pid: number | undefined): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * tickMs
}

function format({ writes, natsMs, runtimeMs }: Usage): string {
  const [count, nats, runtime] = [writes, natsMs, runtimeMs].map((value) => value.toFixed(0))
  return `${count} writes  nats-server ${nats} ms  runtime ${runtime} ms`
}
