import { LRUCache } from 'lru-cache'
import type { Context, KvEntry, ParsedDataOf, ValueOf } from '#runtime'
import type { UserId } from '#schema/ids'
import {
  type ChosenStatus,
  type PresenceChange,
  presenceChanged,
  type Status,
} from '#schema/messages/presence'
import { PRESENCE, PRESENCE_CONN } from '#schema/streams'

type StoredStatus = ValueOf<typeof PRESENCE>

const offlineStatus: StoredStatus = { status: 'offline', at: '' }

/** Updated in every process by `presence.changed`; the TTL covers lost events. */
const statusCache = new LRUCache<UserId, StoredStatus, Context>({
  max: 100_000,
  ttl: 30_000,
  ignoreFetchAbort: true,
  fetchMethod: async (user, _stale, { context }) =>
    (await context.kv(PRESENCE).get(user))?.value ?? offlineStatus,
})

export async function findStatus(user: UserId, context: Context): Promise<Status> {
  return (await statusCache.fetch(user, { context }))?.status ?? 'offline'
}

/** Returns the users who are not offline, with their status. */
export async function findPresent(
  users: readonly UserId[],
  context: Context,
): Promise<[UserId, ChosenStatus][]> {
  const uncached = users.filter((user) => !statusCache.has(user))
  await Promise.all(uncached.map((user) => statusCache.fetch(user, { context })))
  return users.flatMap((user): [UserId, ChosenStatus][] => {
    const { status } = statusCache.get(user) ?? offlineStatus
    return status === 'offline' ? [] : [[user, status]]
  })
}

export function cacheStatus({ userId, status, at }: ParsedDataOf<typeof presenceChanged>): void {
  if (!isOutdated({ userId, at })) statusCache.set(userId, { status, at })
}

/** Returns true if a later change is cached: its own event is broadcast instead. */
export function isOutdated({ userId, at }: { userId: UserId; at: string }): boolean {
  const latest = statusCache.peek(userId)
  return latest !== undefined && latest.at > at
}

/**
 * Renews the presence lease of a connection and returns its user's status: `online` if it was `offline`.
 * One round trip for a user who is not offline.
 */
export async function renewLease(user: UserId, connId: string, context: Context): Promise<Status> {
  const readCached = () => statusCache.get(user) ?? offlineStatus
  const [initial] = await Promise.all([
    readCached().status === 'offline' ? readStatus(user, context) : undefined,
    context.kv(PRESENCE_CONN).put(`${user}.${connId}`, {}),
  ])
  // Only after the lease is stored: setOfflineIfDisconnected checks the leases after its change.
  const { status } = readCached()
  if (status !== 'offline') return status
  return (await changeStatus(user, comeOnline, context, { initial })).after
}

/** Wrapped in an object, so that `initial` can express an absent entry. */
async function readStatus(user: UserId, context: Context) {
  return { entry: await context.kv(PRESENCE).get(user) }
}

const comeOnline = (status: Status) => (status === 'offline' ? 'online' : status)

/**
 * Changes a user's status to what `decide` returns, and publishes `presence.changed`; does nothing if it
 * is the same. Calls `decide` again when another process has changed the status meanwhile.
 */
export async function changeStatus(
  user: UserId,
  decide: (before: Status) => Status | Promise<Status>,
  context: Context,
  options: {
    /** The stored entry, if the caller has just read it. */
    initial?: { entry: KvEntry<StoredStatus> | undefined } | undefined
    /** Set by the client after inactivity, not chosen by the user. */
    isIdle?: boolean
  } = {},
): Promise<{ before: Status; after: Status }> {
  const bucket = context.kv(PRESENCE)
  for (let read = options.initial; ; read = undefined) {
    const { entry } = read ?? (await readStatus(user, context))
    const stored = entry?.value ?? offlineStatus
    const status = await decide(stored.status)
    const action = actionOf(stored.status, status, options.isIdle)
    const change = { userId: user, action, status, at: nowAfter(stored.at) }
    if (status === stored.status) {
      cacheStatus({ ...change, at: stored.at })
      return { before: status, after: status }
    }
    const value = { status, at: change.at }
    const isWritten = entry
      ? await bucket.update(user, value, entry.revision)
      : await bucket.create(user, value)
    if (!isWritten) continue
    cacheStatus(change)
    context.publish(presenceChanged, change)
    return { before: stored.status, after: status }
  }
}

/** Sets a user offline if no connection of theirs has a lease. */
export async function setOfflineIfDisconnected(user: UserId, context: Context): Promise<void> {
  const isDisconnected = async () =>
    (await context.kv(PRESENCE_CONN).list(`${user}.*`)).length === 0
  const { before, after } = await changeStatus(
    user,
    async (status) => (status !== 'offline' && (await isDisconnected()) ? 'offline' : status),
    context,
  )
  // Undo: a heartbeat during the change stored its lease, but still read the previous status.
  if (before !== after && !(await isDisconnected()))
    await changeStatus(user, (status) => (status === 'offline' ? before : status), context)
}

function actionOf(before: Status, after: Status, isIdle = false): PresenceChange['action'] {
  if (after === 'offline') return 'offline'
  if (before === 'offline') return 'online'
  return isIdle ? 'idle' : 'status'
}

/** Returns the current time, or a later one: clocks differ, but times of changes must increase. */
function nowAfter(at: string): string {
  return new Date(Math.max(Date.now(), at === '' ? 0 : Date.parse(at) + 1)).toISOString()
}
