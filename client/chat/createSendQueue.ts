import { createSignal, onCleanup } from 'solid-js'
import { type ErrorCode, isCallError } from '#runtime/client'
import type { ClientId, MessageId, RoomId } from '#schema/ids'
import { isTransient } from '../nats/callWithRetry.ts'
import type { ChatClient } from '../nats/chatClient.ts'
import type { LocalStore } from './localStore.ts'

/** A message on its way. */
export interface PendingMessage {
  clientId: ClientId
  room: RoomId
  threadId?: MessageId | undefined
  text: string
  /** When it was written, in milliseconds since the epoch. */
  at: number
  /** `sent` is what the server has, and the room has not shown yet. */
  status: 'pending' | 'sent' | 'failed'
  /** Why it failed, and that in the server's words. */
  code?: ErrorCode | undefined
  error?: string | undefined
}

export type SendQueue = ReturnType<typeof createSendQueue>

const [minRetryMs, maxRetryMs, sentShownMs] = [400, 8_000, 10_000]

const keyOf = (clientId: ClientId) => `outgoing ${clientId}`

/** How much has been written in this browser, in any tab, that the server does not have. */
export function countUnsent(store: LocalStore): number {
  return store.listNow<PendingMessage>(keyOf('' as ClientId)).length
}

/**
 * What we have said and the room does not show yet. It survives a reload; each message is tried until
 * the server has it or has refused it, in the order in which they were written. What a tab leaves
 * behind another one sends. Where two send the same the server takes it once.
 */
export function createSendQueue(
  client: ChatClient,
  store: LocalStore,
  /** The server has a message, as that event of the room. */
  onSent: (room: RoomId, seq: number) => void,
) {
  const [all, setAll] = createSignal<readonly PendingMessage[]>([])
  const running = new Set<string>()
  const stops = new Map<ClientId, () => void>()
  let isStopped = false
  onCleanup(() => {
    isStopped = true
    for (const stop of stops.values()) stop()
  })

  adopt()
  const onVisible = () => document.visibilityState === 'visible' && adopt()
  document.addEventListener('visibilitychange', onVisible)
  onCleanup(() => document.removeEventListener('visibilitychange', onVisible))

  /** Takes on what was written in other tabs, which may be gone. */
  function adopt() {
    const mine = new Set(all().map(({ clientId }) => clientId))
    const known = store.listNow<PendingMessage>(keyOf('' as ClientId))
    const found = known.filter(({ clientId }) => !mine.has(clientId))
    for (const outgoing of found.toSorted((one, other) => one.at - other.at)) add(outgoing)
    for (const { room } of found) void run(room)
  }

  function add(outgoing: PendingMessage) {
    const { clientId } = outgoing
    setAll((before) => [...before, outgoing])
    // Another tab that has it as well is done with it, or has been refused.
    const stop = store.watchNow(keyOf(clientId), () => {
      const now = store.readNow<PendingMessage>(keyOf(clientId))
      if (now) show(now)
      else drop(clientId)
    })
    stops.set(clientId, stop)
  }

  function show(now: PendingMessage) {
    setAll((before) => before.map((it) => (it.clientId === now.clientId ? now : it)))
  }

  function drop(clientId: ClientId) {
    stops.get(clientId)?.()
    stops.delete(clientId)
    setAll((before) => before.filter((it) => it.clientId !== clientId))
  }

  function update(clientId: ClientId, what: Partial<PendingMessage>) {
    const found = all().find((it) => it.clientId === clientId)
    if (!found) return
    const now = { ...found, ...what }
    show(now)
    // The server has what is sent.
    store.writeNow(keyOf(clientId), now.status === 'sent' ? undefined : now)
  }

  function settle(clientId: ClientId) {
    if (!all().some((it) => it.clientId === clientId)) return
    drop(clientId)
    store.writeNow(keyOf(clientId), undefined)
  }

  /** One after the other, so that they are said in the order in which they were written. */
  async function run(room: RoomId) {
    if (running.has(room)) return
    running.add(room)
    for (let waitMs = minRetryMs; !isStopped; ) {
      const next = all().find((it) => it.room === room && it.status === 'pending')
      if (!next) break
      const retryAfterMs = await withTabLock(next.clientId, () => trySend(next))
      if (retryAfterMs === undefined) {
        waitMs = minRetryMs
        continue
      }
      await new Promise((resolve) => setTimeout(resolve, Math.max(waitMs, retryAfterMs)))
      waitMs = Math.min(waitMs * 2, maxRetryMs)
    }
    running.delete(room)
  }

  /** Undefined when its fate is known; else when to try again. */
  async function trySend({
    clientId,
    room,
    threadId,
    text,
  }: PendingMessage): Promise<number | undefined> {
    try {
      const said = { room, clientId, text }
      const { seq } = await (threadId === undefined
        ? client.call('send', said)
        : client.call('send.thread', { ...said, threadId }))
      update(clientId, { status: 'sent' })
      onSent(room, seq)
      setTimeout(() => settle(clientId), sentShownMs)
      return undefined
    } catch (error) {
      if (isTransient(error)) return 0
      if (isCallError(error) && error.code === 'rate_limited') return error.retryAfterMs ?? 1_000
      const code = isCallError(error) ? error.code : undefined
      update(clientId, { status: 'failed', code, error: (error as Error).message })
      return undefined
    }
  }

  return {
    all,
    adopt,
    send(room: RoomId, text: string, threadId?: MessageId) {
      const at = Date.now()
      const clientId = newClientId(at)
      const outgoing: PendingMessage = { clientId, room, threadId, text, at, status: 'pending' }
      add(outgoing)
      store.writeNow(keyOf(clientId), outgoing)
      void run(room)
    },
    retry(clientId: ClientId) {
      const found = all().find((it) => it.clientId === clientId)
      if (!found) return
      update(clientId, { status: 'pending', code: undefined, error: undefined })
      void run(found.room)
    },
    discard: settle,
    /** The room shows it now. */
    settle,
  }
}

/** Leaves to another tab what that is sending: it will tell, or else we try again. */
function withTabLock(clientId: ClientId, send: () => Promise<number | undefined>) {
  // Where the page does not come safely there are no locks.
  if (!navigator.locks) return send()
  return navigator.locks.request(keyOf(clientId), { ifAvailable: true }, (lock) =>
    lock ? send() : 0,
  )
}

/** A UUIDv7: the server sees by its time that it is new. */
function newClientId(at: number): ClientId {
  const time = at.toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${crypto.randomUUID().slice(15)}` as ClientId
}
