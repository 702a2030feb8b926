import { onCleanup } from 'solid-js'
import { topics } from '#schema/contracts'
import type { RoomId, UserId } from '#schema/ids'
import type { RoomPush } from '#schema/messages/encrypted'
import type { RoomKey } from '#schema/messages/room'
import { callWithRetry, retryDelayOf } from '../nats/callWithRetry.ts'
import type { ChatClient } from '../nats/chatClient.ts'

/** Maximum number of rooms in one call of `room.keys`. */
const maxRooms = 1_000
/**
 * For this long after the key of a room has changed, the page also receives events that are
 * encrypted with the previous key: some processes of the server may still use it.
 */
const overlapMs = 2_000
/**
 * A notice with a key counts as late from this age on. For `settleMs` after the announcement of a key
 * (domain/rooms/room-key.ts), the server still publishes events to each member. This age is less than
 * `settleMs`, so a page that receives the notice in time misses no event.
 */
const maxNoticeAgeMs = 4_000
const nonceBytes = 12

type Push = keyof RoomPush

/**
 * For each kind of encrypted event, the topic to which smaller private rooms publish such an event
 * unencrypted. The page listens to these topics.
 */
const topicOf = {
  notify: topics.deliverNotify,
  presence: topics.deliverPresence,
  typing: topics.deliverTyping,
  appUpdated: topics.deliverAppUpdated,
  appInstalled: topics.deliverAppInstalled,
}

interface Listener {
  /** Only events with these values in their fields are passed to `handler`. */
  params: Record<string, string>
  handler: (data: never) => void
}

/**
 * Receives the events that large private rooms publish encrypted, once for all members. Smaller
 * private rooms publish the same events to each member's own subject. The returned `client` passes
 * the decrypted events to the listeners of the user's own subject, so that callers need not
 * distinguish large from smaller rooms.
 */
export function createRoomKeys(nats: ChatClient, me: UserId) {
  const subscriptions = new Map<RoomId, { id: string; stop: () => void }>()
  const listeners = new Map<Push, Set<Listener>>()
  const onMissed = new Set<() => void>()
  let retry: ReturnType<typeof setTimeout> | undefined
  let isStopped = false
  onCleanup(() => {
    isStopped = true
    clearTimeout(retry)
    for (const { stop } of subscriptions.values()) stop()
  })

  const client: ChatClient = {
    ...nats,
    listen(topic, params, handler) {
      const stop = nats.listen(topic, params, handler)
      const name = pushNames.find((name) => topicOf[name] === (topic as unknown))
      if (!name) return stop
      const { user: _, ...fields } = params as Record<string, string>
      const listener: Listener = { params: fields, handler: handler as Listener['handler'] }
      const ofPush = listeners.get(name) ?? new Set()
      listeners.set(name, ofPush.add(listener))
      return () => {
        ofPush.delete(listener)
        stop()
      }
    },
  }
  onCleanup(
    nats.listen(topics.deliverNotify, { user: me }, ({ room, roomKey, event }) => {
      if (roomKey) receiveKey(room, roomKey, event?.at)
    }),
  )
  onCleanup(
    nats.listen(topics.deliverRoomKey, { user: me }, ({ room, roomKey, at }) =>
      receiveKey(room, roomKey, at),
    ),
  )

  function receiveKey(room: RoomId, key: RoomKey, at: string | undefined) {
    if (!subscribe(room, key)) return
    // If the key is late, events encrypted with it may already have been published and missed.
    const isLate = at === undefined || Date.now() - Date.parse(at) > maxNoticeAgeMs
    if (isLate) reportMissed()
  }

  function reportMissed() {
    for (const callback of onMissed) callback()
  }

  /**
   * Subscribes to the events that are encrypted with the key. Returns false if the page has already
   * subscribed to them.
   */
  function subscribe(room: RoomId, { id, key }: RoomKey): boolean {
    const previous = subscriptions.get(room)
    if (previous?.id === id) return false
    const imported = crypto.subtle.importKey('raw', toBytes(key), 'AES-GCM', false, ['decrypt'])
    let last: Promise<void> = Promise.resolve()
    const stop = nats.listen(topics.roomEncrypted, { key: id }, ({ data }) => {
      // Decryption is asynchronous, so each event waits for the previous one, to preserve their order.
      const push = imported.then((secret) => decrypt(secret, data))
      last = last.then(async () => pass(await push))
      // Only a hostile function could publish data that the key does not decrypt.
      last = last.catch(reportError)
    })
    subscriptions.set(room, { id, stop })
    if (previous) setTimeout(previous.stop, overlapMs)
    return true
  }

  function pass(push: RoomPush) {
    for (const name of pushNames)
      for (const { params, handler } of listeners.get(name) ?? [])
        if (matches(push[name], params)) handler(push[name] as never)
  }

  async function load(rooms: readonly RoomId[]): Promise<void> {
    clearTimeout(retry)
    let isChanged = false
    for (let start = 0; start < rooms.length; start += maxRooms) {
      const part = rooms.slice(start, start + maxRooms)
      const before = new Map(subscriptions)
      try {
        const { keys } = await callWithRetry(nats, 'room.keys', { rooms: part })
        // If a notice has changed the key of a room during the call, the key of the response may be
        // older.
        const current = keys.filter(({ room }) => subscriptions.get(room) === before.get(room))
        for (const { room, ...key } of current) if (subscribe(room, key)) isChanged = true
      } catch (error) {
        // Each refresh of the rooms loads the keys again. So all failed calls share one retry;
        // otherwise, retries would accumulate.
        clearTimeout(retry)
        if (isStopped) return
        retry = setTimeout(() => void load(rooms), retryDelayOf(error))
      }
    }
    // Events with the new keys that were published before this subscription may have been missed.
    if (isChanged) reportMissed()
  }

  return {
    client,
    load: (rooms: readonly RoomId[]) => void load(rooms),
    remove(room: RoomId) {
      subscriptions.get(room)?.stop()
      subscriptions.delete(room)
    },
    /** Calls `callback` when events may have been missed. The returned function unregisters it. */
    onMissed(callback: () => void): () => void {
      onMissed.add(callback)
      return () => onMissed.delete(callback)
    },
  }
}

const pushNames = Object.keys(topicOf) as Push[]

function matches(data: object | undefined, params: Record<string, string>): boolean {
  if (!data) return false
  return Object.entries(params).every(([name, value]) => data[name as keyof typeof data] === value)
}

async function decrypt(key: CryptoKey, data: string): Promise<RoomPush> {
  const bytes = toBytes(data)
  const iv = bytes.subarray(0, nonceBytes)
  const text = await crypto.subtle.decrypt({ name: 'AES-GCM', iv }, key, bytes.subarray(nonceBytes))
  return JSON.parse(new TextDecoder().decode(text))
}

function toBytes(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))
}
