import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { connect } from '@nats-io/transport-node'
import { eq } from 'drizzle-orm'
import { type Client, createClient, isCallError } from '#runtime/client'
import { contracts } from '#schema/contracts'
import { closeDb, db } from '#schema/db'
import type { MessageId, RoomId } from '#schema/ids'
import { roomNotify } from '#schema/messages/event'
import { messages } from '#schema/tables/message'
import { newClientId } from '../support/app.ts'
import { type DatabaseKind, startServers } from '../support/servers.ts'
import { startTokenIssuer } from '../support/token-issuer.ts'

export interface SoakOptions {
  durationMs: number
  database: DatabaseKind
  log: (message: string) => void
}

export interface SoakReport {
  acknowledged: number
  failures: Record<string, number>
  verdict: Record<string, string[]>
}

/** The memory of each process in MB, by its name. */
type Memory = Record<string, number>

const messagesPerSecond = 2_000
const maxInFlight = 256
const sampleMs = 2_000
const samplesPerLogLine = 15
/** The limit for the growth of a process from the middle third of a run to its last third. */
const maxGrowth = { factor: 1.15, megabytes: 24 }
/**
 * Memory that nats-server uses for each message id in the duplicate window. By default, the run
 * lasts as long as this window, so no id expires during the run. The limit for the growth of
 * nats-server therefore includes this memory.
 */
const bytesPerMessageId = 250

/** Checks that no acknowledged message is lost, and that the memory of no process grows. */
export async function runSoak({ durationMs, database, log }: SoakOptions): Promise<SoakReport> {
  const tokenIssuer = await startTokenIssuer()
  await using stack = new AsyncDisposableStack()
  stack.defer(() => tokenIssuer.stop())
  const servers = stack.use(
    await startServers(database, {
      OIDC_ISSUER: tokenIssuer.issuer,
      RATE_LIMIT_FACTOR: '10000',
    }),
  )
  process.env.DATABASE_URL = servers.urls.databaseUrl
  const [sender, reader] = await Promise.all(
    ['alice', 'bob'].map(async (user) => {
      const token = await tokenIssuer.token({
        preferred_username: user,
        realm_access: { roles: ['user'] },
        exp: Math.floor((Date.now() + durationMs) / 1_000) + 600,
      })
      const inboxPrefix = `_INBOX_${user}`
      const nc = await connect({ servers: servers.urls.nats, token, inboxPrefix })
      stack.defer(() => nc.close())
      return createClient(nc, { contracts, user })
    }),
  )
  if (!sender || !reader) throw new Error('A user is not connected')
  const room = `room-${crypto.randomUUID()}` as RoomId
  await sender.call('room.create', { room, name: 'Soak', kind: 'public' })
  await reader.call('room.join', { room })
  let received = 0
  reader.listen(roomNotify, { room }, () => {
    received++
  })

  const acknowledged = new Set<MessageId>()
  const failures: Record<string, number> = {}
  const ended = new AbortController()
  const services = [servers.nats, servers.runtime]
  const sampling = sampleMemory(services, ended.signal, (memory) =>
    log(`${acknowledged.size} messages acknowledged, ${received} received, ${describe(memory)}`),
  )
  await sendAtRate(sender, room, durationMs, {
    onSent: (id) => acknowledged.add(id),
    onFailure: (code) => {
      failures[code] = (failures[code] ?? 0) + 1
    },
  })
  ended.abort()
  const samples = await sampling
  try {
    const lost = await findLost(room, acknowledged)
    const verdict = {
      'every acknowledged message is in the database': lost,
      'no call fails': Object.entries(failures).map(
        ([code, count]) => `${count} fail with ${code}`,
      ),
      'the memory of no process grows': findGrowth(samples, acknowledged.size),
    }
    return { acknowledged: acknowledged.size, failures, verdict }
  } finally {
    await closeDb()
  }
}

interface SendListeners {
  onSent: (id: MessageId) => void
  onFailure: (code: string) => void
}

async function sendAtRate(
  sender: Client<typeof contracts>,
  room: RoomId,
  durationMs: number,
  { onSent, onFailure }: SendListeners,
) {
  const start = performance.now()
  let count = 0
  const loop = async () => {
    for (;;) {
      const passed = performance.now() - start
      if (passed > durationMs) return
      const early = (count * 1_000) / messagesPerSecond - passed
      if (early > 0) {
        await delay(Math.max(early, 1))
        continue
      }
      count++
      try {
        const message = { room, clientId: newClientId(), text: `message ${count}` }
        onSent((await sender.call('send', message)).id)
      } catch (error) {
        if (!isCallError(error)) throw error
        onFailure(error.code)
      }
    }
  }
  await Promise.all(Array.from({ length: maxInFlight }, loop))
}

async function sampleMemory(
  services: readonly { name: string; pid: number | undefined }[],
  signal: AbortSignal,
  onLogLine: (memory: Memory) => void,
): Promise<Memory[]> {
  const samples: Memory[] = []
  while (!signal.aborted) {
    const entries = services.map(async ({ name, pid }) => [name, await residentMegabytes(pid)])
    const memory: Memory = Object.fromEntries(await Promise.all(entries))
    samples.push(memory)
    if (samples.length % samplesPerLogLine === 1) onLogLine(memory)
    await delay(sampleMs, undefined, { signal }).catch(() => {})
  }
  return samples
}

async function residentMegabytes(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const kilobytes = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1])
  return Math.round(kilobytes / 1_024)
}

/** Compares medians, because garbage collection makes single values differ. */
function findGrowth(samples: readonly Memory[], messageCount: number): string[] {
  const third = Math.floor(samples.length / 3)
  const names = Object.keys(samples[0] ?? {})
  return names.flatMap((name) => {
    const values = samples.map((memory) => memory[name] ?? 0)
    const middle = median(values.slice(third, 2 * third))
    const last = median(values.slice(2 * third))
    const ids = name === 'nats-server' ? ((messageCount / 3) * bytesPerMessageId) / 2 ** 20 : 0
    const limit = middle * maxGrowth.factor + maxGrowth.megabytes + ids
    return last <= limit ? [] : [`${name} grew from ${middle} MB to ${last} MB`]
  })
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

function describe(memory: Memory): string {
  return Object.entries(memory)
    .map(([name, megabytes]) => `${name} ${megabytes} MB`)
    .join(', ')
}

async function findLost(room: RoomId, acknowledged: ReadonlySet<MessageId>): Promise<string[]> {
  const deadline = performance.now() + 60_000
  for (;;) {
    const rows = await db.select({ id: messages.id }).from(messages).where(eq(messages.room, room))
    const persisted = new Set(rows.map(({ id }) => id))
    const missing = [...acknowledged].filter((id) => !persisted.has(id))
    if (missing.length === 0 || performance.now() > deadline)
      return missing.map((id) => `${id} is missing`)
    await delay(1_000)
  }
}
