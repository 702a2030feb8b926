import { createCipheriv, randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Context, KvEntry, ValueOf } from '#runtime'
import type { KeyId, RoomId } from '#schema/ids'
import { type RoomPush, roomEncrypted } from '#schema/messages/encrypted'
import type { RoomKey } from '#schema/messages/room'
import { ROOMS_KV } from '#schema/streams'
import { maxEntries } from '../cache/max-entries.ts'
import { absent, fetchWithAgedTtl } from '../cache/ttl.ts'

export type StoredKey = Extract<ValueOf<typeof ROOMS_KV>, RoomKey>

/**
 * For this long after the announcement of a key, events are still published to each member. Clients
 * subscribe to the subject of the new key meanwhile.
 */
const settleMs = 5_000

/** The TTL limits how long a removed member can decrypt events if `room.changed` is lost. */
const cache = new LRUCache<RoomId, StoredKey | typeof absent, Context>({
  ...maxEntries(10_000),
  ttl: 500,
  ignoreFetchAbort: true,
  fetchMethod: (room, _stale, { context, options }) =>
    fetchWithAgedTtl(options, async () => (await readKey(room, context)) ?? absent),
})

async function readKey(room: RoomId, context: Context): Promise<StoredKey | undefined> {
  return (await readEntry(room, context))?.value
}

async function readEntry(room: RoomId, context: Context): Promise<KvEntry<StoredKey> | undefined> {
  const entry = await context.kv(ROOMS_KV).get(indexKeyOf(room))
  return entry && isKey(entry) ? entry : undefined
}

export async function listRoomKeys(context: Context): Promise<{ room: RoomId; key: RoomKey }[]> {
  const entries = await context.kv(ROOMS_KV).list(indexKeyOf('*'))
  return entries.filter(isKey).map(({ key, value }) => ({
    room: key.slice(indexKeyOf('').length) as RoomId,
    key: publicPartOf(value),
  }))
}

function indexKeyOf(room: string): string {
  return `=key.room.${room}`
}

function isKey(entry: KvEntry<ValueOf<typeof ROOMS_KV>>): entry is KvEntry<StoredKey> {
  return 'key' in entry.value
}

/** Returns a key without the fields that clients do not need. */
export function publicPartOf({ id, key }: RoomKey): RoomKey {
  return { id, key }
}

export async function findRoomKey(room: RoomId, context: Context): Promise<StoredKey | undefined> {
  const key = await cache.fetch(room, { context })
  return key === absent ? undefined : key
}

export function evictRoomKey(room: RoomId): void {
  cache.delete(room)
}

/** Returns the key of a room, and creates it if there is none. */
export async function ensureRoomKey(room: RoomId, context: Context): Promise<StoredKey> {
  for (;;) {
    const existing = await readKey(room, context)
    if (existing) return existing
    const created = generateKey()
    if (await context.kv(ROOMS_KV).create(indexKeyOf(room), created)) {
      evictRoomKey(room)
      return created
    }
  }
}

/**
 * Replaces the key of a room that has one, so that a removed member cannot decrypt later events. The
 * member must already be missing from ROOMS_KV, because the members listed there get the new key.
 */
export async function replaceRoomKey(room: RoomId, context: Context): Promise<void> {
  if (await readKey(room, context)) await context.kv(ROOMS_KV).put(indexKeyOf(room), generateKey())
}

/**
 * Call this after the key was published to all members: `settleMs` later, events are encrypted with
 * it.
 */
export async function markAnnounced(
  room: RoomId,
  { id }: RoomKey,
  context: Context,
): Promise<void> {
  const entry = await readEntry(room, context)
  if (entry?.value.id !== id || entry.value.announcedAt !== undefined) return
  const announced = { ...entry.value, announcedAt: new Date().toISOString() }
  if (await context.kv(ROOMS_KV).update(entry.key, announced, entry.revision)) evictRoomKey(room)
}

export function isSettled({ announcedAt }: StoredKey): boolean {
  return announcedAt !== undefined && Date.now() - Date.parse(announcedAt) > settleMs
}

export function publishEncrypted({ id, key }: RoomKey, push: RoomPush, context: Context): void {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', Buffer.from(key, 'base64'), nonce)
  const parts = [nonce, cipher.update(JSON.stringify(push)), cipher.final(), cipher.getAuthTag()]
  context.publish(roomEncrypted, { key: id, data: Buffer.concat(parts).toString('base64') })
}

function generateKey(): RoomKey {
  const id = `K${randomBytes(16).toString('base64url')}` as KeyId
  return { id, key: randomBytes(32).toString('base64') }
}
