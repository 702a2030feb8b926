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

/** Whoever has no entry. */
const offlineStatus: StoredStatus = { status: 'offline', at: '' }

/**
 * How people are seen. Each process is told of each change and asks again after half a minute, for
 * what it may not have been told.
 */
const statusCache = new LRUCache<UserId, StoredStatus, Context>({
  max: 100_000,
  ttl: 30_000,
  ignoreFetchAbort: true,
  fetchMethod: async (user, _stale, { context }) =>
    (await context.kv(PRESENCE).get(user))?.value ?? offlineStatus,
})

/** How somebody is seen. */
export async function findStatus(user: UserId, context: Context): Promise<Status> {
  return (await statusCache.fetch(user, { context }))?.status ?? 'offline'
}

/** Those of these people who are there, and how they are seen. */
export async function findPresent(
  users: readonly UserId[],
  context: Context,
): Promise<[UserId, ChosenStatus][]> {
  const unknown = users.filter((user) => !statusCache.has(user))
  await Promise.all(unknown.map((user) => statusCache.fetch(user, { context })))
  return users.flatMap((user): [UserId, ChosenStatus][] => {
    const { status } = statusCache.get(user) ?? offlineStatus
    return status === 'offline' ? [] : [[user, status]]
  })
}

/** Remembers a change, unless a later one is known. */
export function cacheStatus({ userId, status, at }: ParsedDataOf<typeof presenceChanged>): void {
  if (!isOutdated({ userId, at })) statusCache.set(userId, { status, at })
}

/** Whether a change has been followed by another: whoever made that one tells of it. */
export function isOutdated({ userId, at }: { userId: UserId; at: string }): boolean {
  const latest = statusCache.peek(userId)
  return latest !== undefined && latest.at > at
}

/**
 * Says that a connection is alive, and answers how its owner is seen from now on: online, where they
 * were offline. One round trip for who is known to be there.
 */
export async function renewLease(user: UserId, connId: string, context: Context): Promise<Status> {
  const recall = () => statusCache.get(user) ?? offlineStatus
  const [read] = await Promise.all([
    recall().status === 'offline' ? readStatus(user, context) : undefined,
    context.kv(PRESENCE_CONN).put(`${user}.${connId}`, {}),
  ])
  // Not before the lease stands: who makes somebody offline looks for leases after having said so.
  const { status } = recall()
  if (status !== 'offline') return status
  return (await changeStatus(user, comeOnline, context, { read })).after
}

/** In an object, since there may be nothing to be read. */
async function readStatus(user: UserId, context: Context) {
  return { entry: await context.kv(PRESENCE).get(user) }
}

const comeOnline = (status: Status) => (status === 'offline' ? 'online' : status)

/**
 * Changes how somebody is seen from what it is to what it should be, and tells the functions once.
 * Does nothing where that is the same. What `decide` finds out holds only as long as nobody else has
 * changed it: then it is asked again.
 */
export async function changeStatus(
  user: UserId,
  decide: (before: Status) => Status | Promise<Status>,
  context: Context,
  options: {
    /** What is known to be kept, by whoever has just read it. */
    read?: { entry: KvEntry<StoredStatus> | undefined } | undefined
    /** Nobody has chosen it. */
    isIdle?: boolean
  } = {},
): Promise<{ before: Status; after: Status }> {
  const bucket = context.kv(PRESENCE)
  // Whoever is too late to write looks again: somebody else has got on.
  for (let found = options.read; ; found = undefined) {
    const { entry } = found ?? (await readStatus(user, context))
    const seen = entry?.value ?? offlineStatus
    const status = await decide(seen.status)
    const action = actionOf(seen.status, status, options.isIdle)
    const change = { userId: user, action, status, at: nowAfter(seen.at) }
    if (status === seen.status) {
      cacheStatus({ ...change, at: seen.at })
      return { before: status, after: status }
    }
    const value = { status, at: change.at }
    const isWritten = entry
      ? await bucket.update(user, value, entry.revision)
      : await bucket.create(user, value)
    if (!isWritten) continue
    cacheStatus(change)
    context.publish(presenceChanged, change)
    return { before: seen.status, after: status }
  }
}

/** Makes somebody offline of whom no connection is alive any more. */
export async function setOfflineIfDisconnected(user: UserId, context: Context): Promise<void> {
  const isGone = async () => (await context.kv(PRESENCE_CONN).list(`${user}.*`)).length === 0
  const { before, after } = await changeStatus(
    user,
    async (status) => (status !== 'offline' && (await isGone()) ? 'offline' : status),
    context,
  )
  // A heartbeat that came meanwhile found them still there, and left it at that.
  if (before !== after && !(await isGone()))
    await changeStatus(user, (status) => (status === 'offline' ? before : status), context)
}

function actionOf(before: Status, after: Status, isIdle = false): PresenceChange['action'] {
  if (after === 'offline') return 'offline'
  if (before === 'offline') return 'online'
  return isIdle ? 'idle' : 'status'
}

/** Now, and later than the change before, whatever another machine's clock said. */
function nowAfter(at: string): string {
  return new Date(Math.max(Date.now(), at === '' ? 0 : Date.parse(at) + 1)).toISOString()
}
