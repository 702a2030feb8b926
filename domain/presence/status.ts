import { LRUCache } from 'lru-cache'
import type { Context, KvEntry, ParsedDataOf, ValueOf } from '#runtime'
import type { UserId } from '#schema/ids'
import {
  type ChosenStatus,
  type PresenceChange,
  presenceChanged,
  type Status,
} from '#schema/messages/presence'
import { PRESENCE } from '#schema/streams'
import { maxEntries } from '../cache/max-entries.ts'
import { hasLease, storeLease } from './lease.ts'

type StoredStatus = ValueOf<typeof PRESENCE>

const offlineStatus: StoredStatus = { status: 'offline', at: '' }

/** After this time, the entry of an offline user expires. A user without an entry is offline, too. */
const offlineEntryMs = 3_600_000

/** The TTL limits how long a status is wrong if the event `presence.changed` is lost. */
const statusCache = new LRUCache<UserId, StoredStatus, Context>({
  ...maxEntries(100_000),
  ttl: 30_000,
  ignoreFetchAbort: true,
  fetchMethod: async (user, _stale, { context }) =>
    (await context.kv(PRESENCE).get(user))?.value ?? offlineStatus,
})

export async function findStatus(user: UserId, context: Context): Promise<Status> {
  return (await statusCache.fetch(user, { context }))?.status ?? 'offline'
}

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

export function isOutdated({ userId, at }: { userId: UserId; at: string }): boolean {
  const latest = statusCache.peek(userId)
  return latest !== undefined && latest.at > at
}

export async function renewLease(
  user: UserId,
  connId: string,
  context: Context,
): Promise<{ status: Status; nextMs: number }> {
  const readCached = () => statusCache.get(user) ?? offlineStatus
  const [initial, nextMs] = await Promise.all([
    readCached().status === 'offline' ? readStatus(user, context) : undefined,
    storeLease(user, connId, context),
  ])
  // The status must be read after the lease is stored. If `setOfflineIfDisconnected` sets the user
  // offline after this read, its second check of the leases finds this lease and restores the
  // status.
  const { status } = readCached()
  if (status !== 'offline') return { status, nextMs }
  const { after } = await changeStatus(user, comeOnline, context, { initial })
  return { status: after, nextMs }
}

export async function setOnline(user: UserId, context: Context): Promise<void> {
  await changeStatus(user, comeOnline, context)
}

/**
 * Returns an object, because `{ entry: undefined }` (no entry) must differ from `undefined` (not
 * read).
 */
async function readStatus(user: UserId, context: Context) {
  return { entry: await context.kv(PRESENCE).get(user) }
}

const comeOnline = (status: Status) => (status === 'offline' ? 'online' : status)

/**
 * Changes the status of a user to the one that `decide` returns, and publishes `presence.changed`
 * if the status differs. If another process changes the status at the same time, calls `decide`
 * again.
 */
export async function changeStatus(
  user: UserId,
  decide: (before: Status) => Status | Promise<Status>,
  context: Context,
  options: {
    initial?: { entry: KvEntry<StoredStatus> | undefined } | undefined
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
    const ttl = status === 'offline' ? { ttlMs: offlineEntryMs } : {}
    const isWritten = entry
      ? await bucket.update(user, value, entry.revision, ttl)
      : await bucket.create(user, value, ttl)
    if (!isWritten) continue
    cacheStatus(change)
    context.publish(presenceChanged, change)
    return { before: stored.status, after: status }
  }
}

export async function setOfflineIfDisconnected(user: UserId, context: Context): Promise<void> {
  const isDisconnected = async () => !(await hasLease(user, context))
  const { before, after } = await changeStatus(
    user,
    async (status) => (status !== 'offline' && (await isDisconnected()) ? 'offline' : status),
    context,
  )
  // A heartbeat may have stored a lease after the first check, but still read the previous status.
  // The heartbeat then did not set the user online, so the previous status is restored here.
  if (before !== after && !(await isDisconnected()))
    await changeStatus(user, (status) => (status === 'offline' ? before : status), context)
}

function actionOf(before: Status, after: Status, isIdle = false): PresenceChange['action'] {
  if (after === 'offline') return 'offline'
  if (before === 'offline') return 'online'
  return isIdle ? 'idle' : 'status'
}

/**
 * Returns the time for a status change after the change at `at`. This is the current time, or one
 * millisecond after `at` if the clock of the process that made the previous change is ahead.
 */
function nowAfter(at: string): string {
  return new Date(Math.max(Date.now(), at === '' ? 0 : Date.parse(at) + 1)).toISOString()
}
