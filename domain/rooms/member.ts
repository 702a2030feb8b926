import { LRUCache } from 'lru-cache'
import * as v from 'valibot'
import { type Context, FunctionError } from '#runtime'
import { RoomId, UserId } from '#schema/ids'
import type { Role, RoomKind } from '#schema/messages/room'
import { ROOMS_KV } from '#schema/streams'
import { maxEntries } from '../cache/max-entries.ts'
import { absent, fetchOrAbsent } from '../cache/ttl.ts'
import { ensureIndex } from './member-index.ts'

export interface Member {
  user: UserId
  kind: RoomKind
  role: Role
}

/**
 * If the event `room.changed` is lost, a removed member can read messages until their entry in this
 * cache expires.
 */
const memberCache = new LRUCache<string, Member | typeof absent, Context>({
  ...maxEntries(50_000),
  ttl: 500,
  ignoreFetchAbort: true,
  fetchMethod: (key, _stale, { context, options }) =>
    fetchOrAbsent(options, async () => {
      const entry = await context.kv(ROOMS_KV).get(key)
      if (!entry || !('role' in entry.value)) return undefined
      return { user: key.slice(key.indexOf('.') + 1) as UserId, ...entry.value }
    }),
})

export function evictMember(room: RoomId, userId?: UserId): void {
  if (userId !== undefined) memberCache.delete(`${room}.${userId}`)
  else for (const key of memberCache.keys()) if (key.startsWith(`${room}.`)) memberCache.delete(key)
}

export async function findMember(
  room: RoomId,
  context: Context,
  user = readCaller(context),
): Promise<Member | undefined> {
  const key = `${room}.${user}`
  const member = await fetchMember(key, context)
  if (member) return member
  const { wasBuilt } = await ensureIndex(context)
  return wasBuilt ? fetchMember(key, context, true) : undefined
}

async function fetchMember(key: string, context: Context, forceRefresh = false) {
  const member = await memberCache.fetch(key, { context, forceRefresh })
  return member === absent ? undefined : member
}

/**
 * Throws the same `forbidden` error for a room that does not exist and for a room in which the
 * caller is not a member.
 */
export async function requireMember(room: RoomId, context: Context): Promise<Member> {
  const member = await findMember(room, context)
  if (!member) throw new FunctionError('forbidden', `You are not a member of room ${room}`)
  return member
}

export function prefetchMember(room: string | undefined, context: Context): void {
  const { success, output } = v.safeParse(RoomId, room)
  if (success) findMember(output, context).catch(() => undefined)
}

export async function listMembers(room: RoomId, context: Context): Promise<UserId[]> {
  const index = context.kv(ROOMS_KV)
  let entries = await index.list(`${room}.*`)
  if (entries.length === 0 && (await ensureIndex(context)).wasBuilt)
    entries = await index.list(`${room}.*`)
  return entries.map(({ key }) => v.parse(UserId, key.slice(room.length + 1)))
}

export function readCaller({ caller }: Context): UserId {
  const { success, output } = v.safeParse(UserId, caller)
  if (!success) throw new FunctionError('forbidden', `"${caller}" is not a valid user id`)
  return output
}
