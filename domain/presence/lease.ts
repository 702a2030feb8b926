import { LRUCache } from 'lru-cache'
import type { Context, KvEntry, ValueOf } from '#runtime'
import type { UserId } from '#schema/ids'
import {
  heartbeatMs,
  leaseMs,
  type NatsConnectionId,
  natsConnectionId,
  repairMs,
} from '#schema/messages/presence'
import { PRESENCE_CONN } from '#schema/streams'
import { singleFlight } from '../cache/single-flight.ts'

type Entry = ValueOf<typeof PRESENCE_CONN>
type Lease = Exclude<Entry, { servers: unknown }>
export type SweepState = Extract<Entry, { servers: unknown }>

export const leasePattern = '*.*'
export const sweepKey = '=sweep'
const connIdPattern = /^(N[A-Z2-7]{55})-(\d+)$/
/** The lease of a closed connection lasts this long, so that a page can reconnect after a server restart. */
const graceMs = 10_000
/** The reason with which a server closes a connection on which it has received nothing for half a minute. */
const staleReason = 'Stale Connection'
/**
 * If a connection closes before its lease is stored, an entry `closed` is stored for this time. It
 * prevents a heartbeat that arrives late from opening a lease.
 */
const closedMs = 60_000

/**
 * Stores the lease of a connection in PRESENCE_CONN. A user counts as connected while they have a
 * lease. Returns the milliseconds until the next heartbeat is due.
 */
export async function storeLease(user: UserId, connId: string, context: Context): Promise<number> {
  const bucket = context.kv(PRESENCE_CONN)
  const key = keyOf(user, connId)
  const connection = readConnection(connId)
  if (!connection || !(await isKnownServer(connection.server, context))) {
    await bucket.put(key, { state: 'beating' }, { ttlMs: leaseMs })
    return heartbeatMs
  }
  const entry = await bucket.get(key)
  if (!entry) await bucket.create(key, { state: 'open' })
  else if (stateOf(entry) === 'beating') await bucket.update(key, { state: 'open' }, entry.revision)
  return repairMs
}

const knownServers = new LRUCache<string, true>({ max: 1_000, ttl: 60_000 })
const readServers = singleFlight(async (_key: 'servers', context: Context) =>
  Object.keys((await readSweepState(context))?.value.servers ?? {}),
)

/**
 * Returns whether `presence.sweep` knows a server. When a known server stops, the leases of its
 * connections are ended. The id of the server is sent by the client, which could invent one.
 */
async function isKnownServer(server: string, context: Context): Promise<boolean> {
  if (knownServers.has(server)) return true
  for (const id of await readServers('servers', context)) knownServers.set(id, true)
  return knownServers.has(server)
}

export async function readSweepState(context: Context): Promise<KvEntry<SweepState> | undefined> {
  const entry = await context.kv(PRESENCE_CONN).get(sweepKey)
  return entry && isSweepState(entry) ? entry : undefined
}

function isSweepState(entry: KvEntry<Entry>): entry is KvEntry<SweepState> {
  return 'servers' in entry.value
}

export async function deleteLease(user: UserId, connId: string, context: Context): Promise<void> {
  await context.kv(PRESENCE_CONN).delete(keyOf(user, connId))
}

/** Lets the lease of a closed connection expire, after a time in which the user may connect again. */
export async function endLease(
  user: UserId,
  connection: NatsConnectionId,
  reason: string,
  context: Context,
): Promise<void> {
  const bucket = context.kv(PRESENCE_CONN)
  const key = keyOf(user, natsConnectionId(connection))
  const closing = { ttlMs: reason === staleReason ? 0 : graceMs }
  for (;;) {
    const entry = await bucket.get(key)
    if (entry && isEnding(entry)) return
    const isWritten = entry
      ? await bucket.update(key, { state: 'closing' }, entry.revision, closing)
      : await bucket.create(key, { state: 'closed' }, { ttlMs: closedMs })
    if (isWritten) return
  }
}

export async function hasLease(user: UserId, context: Context): Promise<boolean> {
  const leases = await context.kv(PRESENCE_CONN).list(`${user}.*`)
  return leases.some((lease) => stateOf(lease) !== 'closed')
}

export function stateOf({ value }: KvEntry<Entry>): Lease['state'] {
  return 'state' in value ? value.state : undefined
}

function isEnding(entry: KvEntry<Entry>): boolean {
  return stateOf(entry) === 'closing' || stateOf(entry) === 'closed'
}

/**
 * Returns the NATS connection that `connId` names. Returns undefined for an id in another format,
 * which names no NATS connection: the lease of such an id expires unless heartbeats renew it.
 */
export function readConnection(connId: string): NatsConnectionId | undefined {
  const [, server, client] = connIdPattern.exec(connId) ?? []
  return server === undefined ? undefined : { server, client: Number(client) }
}

export function keyOf(user: string, connId: string): string {
  return `${user}.${connId}`
}
