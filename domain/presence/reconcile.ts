import * as v from 'valibot'
import type { Context, KvEntry, ValueOf } from '#runtime'
import { UserId } from '#schema/ids'
import { leaseMs, natsConnectionId, pageConnectionName } from '#schema/messages/presence'
import { PRESENCE, PRESENCE_CONN } from '#schema/streams'
import { keyOf, leasePattern, readConnection, stateOf } from './lease.ts'
import {
  connIdOf,
  inBatches,
  removeLeases,
  setOfflineIfAllDisconnected,
  userOf,
} from './server-leases.ts'
import { setOnline } from './status.ts'

type LeaseEntry = KvEntry<ValueOf<typeof PRESENCE_CONN>>
type Connections = Awaited<ReturnType<typeof readConnections>>

/**
 * Makes leases and statuses match the connections that the servers list: removes leases whose end was not
 * reported, and restores leases that were lost. Leases of a server in `servers` that does not respond stay.
 */
export async function reconcile(servers: ReadonlySet<string>, context: Context): Promise<void> {
  // In this order: a heartbeat stores its lease before the status, and a connection is older than its lease.
  const entries = await context.kv(PRESENCE).list('*')
  const leases = await context.kv(PRESENCE_CONN).list(leasePattern)
  const connections = await readConnections(context)

  await expireLegacyLeases(leases, context)
  const isDead = (lease: LeaseEntry, { answered, keys }: Connections) => {
    const connection = readConnection(connIdOf(lease.key))
    if (!connection || stateOf(lease) !== 'open' || keys.has(lease.key)) return false
    return answered.has(connection.server) || !servers.has(connection.server)
  }
  let dead = leases.filter((lease) => isDead(lease, connections))
  // A connection may be missing in one list if others were closed while the pages of the list were read.
  if (dead.length > 0) {
    const again = await readConnections(context)
    dead = dead.filter((lease) => isDead(lease, again))
    await removeLeases(dead, context)
  }
  const restored = await restoreLeases(new Set(leases.map(({ key }) => key)), connections, context)

  const connected = new Set([...leases, ...restored].map(({ key }) => userOf(key)))
  const absent = entries
    .filter(({ key, value }) => value.status !== 'offline' && !connected.has(key as UserId))
    .map(({ key }) => v.parse(UserId, key))
  await setOfflineIfAllDisconnected(absent, context)
  const counts = { dead: dead.length, restored: restored.length, offline: absent.length }
  if (dead.length + restored.length + absent.length > 0)
    context.log.info(counts, 'presence reconciled with the connections')
}

/** `pages` are the connections of the page, which all have a lease. */
async function readConnections(context: Context) {
  const byServer = await context.system.allConnections()
  const all = [...byServer.values()].flat().flatMap(({ server, id, user, name }) => {
    const parsed = v.safeParse(UserId, user)
    const key = keyOf(user, natsConnectionId({ server, client: id }))
    return parsed.success ? [{ key, user: parsed.output, name }] : []
  })
  return {
    answered: new Set(byServer.keys()),
    keys: new Set(all.map(({ key }) => key)),
    pages: all.filter(({ name }) => name === pageConnectionName),
  }
}

async function restoreLeases(known: ReadonlySet<string>, { pages }: Connections, context: Context) {
  const lost = pages.filter(({ key }) => !known.has(key))
  await inBatches(lost, async ({ key, user }) => {
    if (await context.kv(PRESENCE_CONN).create(key, { state: 'open' }))
      await setOnline(user, context)
  })
  return lost
}

/** Leases that a process of an earlier version has stored would not expire. */
async function expireLegacyLeases(leases: readonly LeaseEntry[], context: Context) {
  const legacy = leases.filter((lease) => stateOf(lease) === undefined)
  await inBatches(legacy, ({ key, revision }) =>
    context.kv(PRESENCE_CONN).update(key, { state: 'beating' }, revision, { ttlMs: leaseMs }),
  )
}
