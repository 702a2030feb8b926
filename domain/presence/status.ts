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

/**
 * Cached status of each user. The event `presence.changed` updates it in every process; if the event
 * is lost, the TTL limits how long the cached status is wrong.
 */
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

/** Returns those of the given users who are not offline, each with their status. */
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

/**
 * Returns true if a later status change of the same user is cached. The given change need not be
 * broadcast then, because the later change has its own broadcast.
 */
export function isOutdated({ userId, at }: { userId: UserId; at: string }): boolean {
  const latest = statusCache.peek(userId)
  return latest !== undefined && latest.at > at
}

/**
 * Renews the presence lease of a connection and returns the status of the user. Sets an offline user
 * online. Takes one round trip to the KV store if the user is not offline.
 */
export async function renewLease(user: UserId, connId: string, context: Context): Promise<Status> {
  const readCached = () => statusCache.get(user) ?? offlineStatus
  const [initial] = await Promise.all([
    readCached().status === 'offline' ? readStatus(user, context) : undefined,
    context.kv(PRESENCE_CONN).put(`${user}.${connId}`, {}),
  ])
  // Reads the cached status only once the lease is stored. If `setOfflineIfDisconnected` sets the
  // user offline later, its second check finds this lease and restores the status.
  const { status } = readCached()
  if (status !== 'offline') return status
  return (await changeStatus(user, comeOnline, context, { initial })).after
}

/**
 * Returns an object that contains the user's entry in PRESENCE. With the object, the option
 * `initial` of `changeStatus` can distinguish a user without an entry from an entry that was not
 * read.
 */
async function readStatus(user: UserId, context: Context) {
  return { entry: await context.kv(PRESENCE).get(user) }
}

const comeOnline = (status: Status) => (status === 'offline' ? 'online' : status)

/**
 * Changes the status of a user to the one that `decide` returns, and publishes `presence.changed`.
 * Does nothing if the user has that status already. Calls `decide` again if another process has
 * changed the status in the meantime.
 */
export async function changeStatus(
  user: UserId,
  decide: (before: Status) => Status | Promise<Status>,
  context: Context,
  options: {
    /** The entry of the user in PRESENCE, if the caller has just read it. */
    initial?: { entry: KvEntry<StoredStatus> | undefined } | undefined
    /**
     * True if the client changed the status automatically after inactivity; false if the user chose
     * it.
     */
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

/** Sets a user offline if none of their connections has a lease. */
export async function setOfflineIfDisconnected(user: UserId, context: Context): Promise<void> {
  const isDisconnected = async () =>
    (await context.kv(PRESENCE_CONN).list(`${user}.*`)).length === 0
  const { before, after } = await changeStatus(
    user,
    async (status) => (status !== 'offline' && (await isDisconnected()) ? 'offline' : status),
    context,
  )
  // Checks the leases again. A heartbeat may have stored a lease after the first check and still read
  // the previous status, so that it did not set the user online. The previous status is restored then.
  if (before !== after && !(await isDisconnected()))
    await changeStatus(user, (status) => (status === 'offline' ? before : status), context)
}

function actionOf(before: Status, after: Status, isIdle = false): PresenceChange['action'] {
  if (after === 'offline') return 'offline'
  if (before === 'offline') return 'online'
  return isIdle ? 'idle' : 'status'
}

/**
 * Returns the time of a status change that follows a change at the time `at`: the current time, but
 * at least 1 ms after `at`. The previous change may have been made by a process whose clock is ahead,
 * and the times of successive changes must increase.
 */
function nowAfter(at: string): string {
  return new Date(Math.max(Date.now(), at === '' ? 0 : Date.parse(at) + 1)).toISOString()
}
