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
 * Makes leases and statuses match the connections that the servers list: removes the leases of
 * connections whose end was not reported, and restores leases that were lost. Keeps the leases of a
 * server's connections if the server is listed in `servers` and does not respond.
 */
export async function reconcile(servers: ReadonlySet<string>, context: Context): Promise<void> {
  // A connection is opened before its lease is stored, and the lease is stored before the status.
  // The three lists are read in the reverse order: the list of leases then has the lease of each
  // listed status, and the list of connections has the connection of each listed lease.
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
  // The list of connections is read in pages. If a connection closes meanwhile, the list may lack
  // another connection that is still open, so a second list must confirm that a lease is dead.
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

/** In the result, `pages` are the connections of the web app. Each of them must have a lease. */
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

/** Gives a TTL to leases that a process of an earlier version has stored. They would not expire otherwise. */
async function expireLegacyLeases(leases: readonly LeaseEntry[], context: Context) {
  const legacy = leases.filter((lease) => stateOf(lease) === undefined)
  await inBatches(legacy, ({ key, revision }) =>
    context.kv(PRESENCE_CONN).update(key, { state: 'beating' }, revision, { ttlMs: leaseMs }),
  )
}
