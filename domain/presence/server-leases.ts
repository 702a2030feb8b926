import * as v from 'valibot'
import type { Context, KvEntry } from '#runtime'
import { UserId } from '#schema/ids'
import { PRESENCE_CONN } from '#schema/streams'
import { leasePattern, readConnection } from './lease.ts'
import { setOfflineIfDisconnected } from './status.ts'

const batchSize = 64

/**
 * Ends the leases of the connections to a server that no longer runs. Sets users without another
 * lease offline.
 */
export async function endLeasesOf(server: string, context: Context): Promise<void> {
  const leases = await context.kv(PRESENCE_CONN).list(leasePattern)
  await removeLeases(
    leases.filter(({ key }) => readConnection(connIdOf(key))?.server === server),
    context,
  )
}

export async function removeLeases(
  leases: readonly Pick<KvEntry<unknown>, 'key'>[],
  context: Context,
): Promise<void> {
  await inBatches(leases, ({ key }) => context.kv(PRESENCE_CONN).delete(key))
  await setOfflineIfAllDisconnected(new Set(leases.map(({ key }) => userOf(key))), context)
}

export async function setOfflineIfAllDisconnected(
  users: Iterable<UserId>,
  context: Context,
): Promise<void> {
  await inBatches([...users], (user) => setOfflineIfDisconnected(user, context))
}

export function userOf(key: string): UserId {
  return v.parse(UserId, key.split('.')[0])
}

export function connIdOf(key: string): string {
  return key.split('.')[1] ?? ''
}

export async function inBatches<Item>(
  items: readonly Item[],
  work: (item: Item) => Promise<unknown>,
): Promise<void> {
  for (let start = 0; start < items.length; start += batchSize)
    await Promise.all(items.slice(start, start + batchSize).map(work))
}
