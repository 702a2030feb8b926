import type { Context } from '#runtime'
import { PRESENCE_CONN } from '#schema/streams'
import { readSweepState, type SweepState, sweepKey } from './lease.ts'
import { reconcile } from './reconcile.ts'
import { endLeasesOf } from './server-leases.ts'

/**
 * A server that has not responded for this time counts as stopped. Sweeps run every 10 seconds, so
 * such a server has not responded to three sweeps. A server that is only slow responds to at least
 * one of three.
 */
const silentMs = 25_000
/**
 * `presence.expired` sets users offline when the delete markers of their leases arrive. If no
 * process has run a sweep for longer than this, such markers may have been lost. All leases are
 * then compared with the connections.
 */
const gapMs = 40_000
/**
 * After a server has started or stopped, leases are compared with the connections only after this
 * delay. Meanwhile, users reconnect and streams elect their leaders.
 */
const settleMs = 15_000
const everyMs = 15 * 60_000

/**
 * Ends the leases of connections to servers that no longer respond. Compares all leases with the
 * connections if events may have been lost, and every 15 minutes.
 */
export async function sweep(context: Context): Promise<void> {
  const entry = await readSweepState(context)
  const before = entry?.value
  const now = Date.now()
  const alive = await context.system.servers()
  const servers = { ...before?.servers, ...Object.fromEntries(alive.map((id) => [id, now])) }
  for (const [id, lastAt] of Object.entries(servers)) {
    if (now - lastAt <= silentMs) continue
    delete servers[id]
    context.log.warn({ server: id }, 'nats-server no longer responds, ending its presence leases')
    await endLeasesOf(id, context)
  }
  const isSteady = before && hasOnly(before, alive)
  let reconcileAt = before?.reconcileAt ?? Number.POSITIVE_INFINITY
  if (!isSteady) reconcileAt = Math.min(reconcileAt, now + settleMs)
  if (before && now - before.at > gapMs) reconcileAt = now
  if (now >= reconcileAt) {
    await reconcile(new Set(Object.keys(servers)), context)
    reconcileAt = now + everyMs
  }
  const bucket = context.kv(PRESENCE_CONN)
  const state = { at: now, servers, reconcileAt }
  // Has no effect if another sweep has run meanwhile.
  if (entry) await bucket.update(sweepKey, state, entry.revision)
  else await bucket.create(sweepKey, state)
}

function hasOnly({ servers }: SweepState, ids: readonly string[]): boolean {
  return ids.length === Object.keys(servers).length && ids.every((id) => id in servers)
}
