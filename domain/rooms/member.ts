import { LRUCache } from 'lru-cache'
import * as v from 'valibot'
import { type Context, FunctionError } from '#runtime'
import { RoomId, UserId } from '#schema/ids'
import type { Role, RoomKind } from '#schema/messages/room'
import { ROOMS_KV } from '#schema/streams'
import { absent, fetchOrAbsent } from '../cache/ttl.ts'
import { ensureIndex } from './member-index.ts'

export interface Member {
  user: UserId
  kind: RoomKind
  role: Role
}

/**
 * Members seen a moment ago, so that a busy room asks once and not for every message. Whoever is
 * removed must not read on for a second, hence half of one. That somebody is no member is never
 * remembered: the next moment they may be.
 */
const memberCache = new LRUCache<string, Member | typeof absent, Context>({
  max: 50_000,
  ttl: 500,
  ignoreFetchAbort: true,
  fetchMethod: (key, _stale, { context, options }) =>
    fetchOrAbsent(options, async () => {
      const entry = await context.kv(ROOMS_KV).get(key)
      if (!entry || !('role' in entry.value)) return undefined
      return { user: readCaller(context), ...entry.value }
    }),
})

/** Forgets who has just come, gone or become somebody else, and everyone of a room where it is about all. */
export function evictMember(room: RoomId, userId?: UserId): void {
  if (userId !== undefined) memberCache.delete(`${room}.${userId}`)
  else for (const key of memberCache.keys()) if (key.startsWith(`${room}.`)) memberCache.delete(key)
}

/** The caller as a member of a room; undefined for a stranger, and where there is no such room. */
export async function findMember(room: RoomId, context: Context): Promise<Member | undefined> {
  const key = `${room}.${readCaller(context)}`
  const member = await fetchMember(key, context)
  if (member) return member
  const { wasBuilt } = await ensureIndex(context)
  return wasBuilt ? fetchMember(key, context, true) : undefined
}

async function fetchMember(key: string, context: Context, forceRefresh = false) {
  const member = await memberCache.fetch(key, { context, forceRefresh })
  return member === absent ? undefined : member
}

/** The caller as a member of a room. Throws `forbidden`, and the same where there is no such room. */
export async function requireMember(room: RoomId, context: Context): Promise<Member> {
  const member = await findMember(room, context)
  if (!member) throw new FunctionError('forbidden', `You do not belong to a room ${room}`)
  return member
}

/** Begins to look for the caller in a room: whoever asks for them a moment later need not wait as long. */
export function prefetchMember(room: string | undefined, context: Context): void {
  const { success, output } = v.safeParse(RoomId, room)
  if (success) findMember(output, context).catch(() => undefined)
}

/** Everyone who belongs to a room, in no order. */
export async function listMembers(room: RoomId, context: Context): Promise<UserId[]> {
  const index = context.kv(ROOMS_KV)
  let entries = await index.list(`${room}.*`)
  if (entries.length === 0 && (await ensureIndex(context)).wasBuilt)
    entries = await index.list(`${room}.*`)
  return entries.map(({ key }) => v.parse(UserId, key.slice(room.length + 1)))
}

/** Who calls, as an id. Throws `forbidden` for a token that can be in a subject and is no id. */
export function readCaller({ caller }: Context): UserId {
  const { success, output } = v.safeParse(UserId, caller)
  if (!success) throw new FunctionError('forbidden', `"${caller}" cannot be a user`)
  return output
}
