import { createSignal, onCleanup } from 'solid-js'
import { type ErrorCode, isCallError } from '#runtime/client'
import type { ClientId, MessageId, RoomId } from '#schema/ids'
import { isTransient } from '../nats/callWithRetry.ts'
import type { ChatClient } from '../nats/chatClient.ts'
import type { LocalStore } from './localStore.ts'

/** A message that is shown below the timeline until its room event arrives. */
export interface PendingMessage {
  clientId: ClientId
  room: RoomId
  threadId?: MessageId | undefined
  text: string
  /** In milliseconds since the epoch. */
  at: number
  /** `sent`: the server has accepted the message, but its room event has not arrived yet. */
  status: 'pending' | 'sent' | 'failed'
  code?: ErrorCode | undefined
  error?: string | undefined
}

export type SendQueue = ReturnType<typeof createSendQueue>

const [minRetryMs, maxRetryMs, sentShownMs] = [400, 8_000, 10_000]
/**
 * A call without an answer is sent again after this time: the call may be lost, because the NATS server
 * or the runtime that received it has stopped.
 */
const repeatAfterMs = 1_000

const keyOf = (clientId: ClientId) => `outgoing ${clientId}`

export function countUnsent(store: LocalStore): number {
  return store.listNow<PendingMessage>(keyOf('' as ClientId)).length
}

/**
 * Sends the messages of each room in order, and retries each until the server accepts or rejects
 * it. A tab also sends the messages of closed tabs; the server deduplicates them by client id.
 */
export function createSendQueue(
  client: ChatClient,
  store: LocalStore,
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

  function adopt() {
    const queued = new Set(all().map(({ clientId }) => clientId))
    const stored = store.listNow<PendingMessage>(keyOf('' as ClientId))
    const adopted = stored.filter(({ clientId }) => !queued.has(clientId))
    for (const message of adopted.toSorted((a, b) => a.at - b.at)) add(message)
    for (const { room } of adopted) void run(room)
  }

  function add(message: PendingMessage) {
    const { clientId } = message
    setAll((before) => [...before, message])
    // Another tab may send, retry or discard the same message.
    const stop = store.watchNow(keyOf(clientId), () => {
      const stored = store.readNow<PendingMessage>(keyOf(clientId))
      if (stored) show(stored)
      else drop(clientId)
    })
    stops.set(clientId, stop)
  }

  function find(id: ClientId) {
    return all().find(({ clientId }) => clientId === id)
  }

  function show(message: PendingMessage) {
    setAll((before) =>
      before.map((other) => (other.clientId === message.clientId ? message : other)),
    )
  }

  function drop(clientId: ClientId) {
    stops.get(clientId)?.()
    stops.delete(clientId)
    setAll((before) => before.filter((message) => message.clientId !== clientId))
  }

  function update(clientId: ClientId, changes: Partial<PendingMessage>) {
    const before = find(clientId)
    if (!before) return
    const message = { ...before, ...changes }
    show(message)
    store.writeNow(keyOf(clientId), message.status === 'sent' ? undefined : message)
  }

  function settle(clientId: ClientId) {
    if (!find(clientId)) return
    drop(clientId)
    store.writeNow(keyOf(clientId), undefined)
  }

  async function run(room: RoomId) {
    if (running.has(room)) return
    running.add(room)
    for (let waitMs = minRetryMs; !isStopped; ) {
      const next = all().find((message) => message.room === room && message.status === 'pending')
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

  async function trySend({
    clientId,
    room,
    threadId,
    text,
  }: PendingMessage): Promise<number | undefined> {
    try {
      const input = { room, clientId, text }
      const { seq } = await (threadId === undefined
        ? client.call('send', input, { repeatAfterMs })
        : client.call('send.thread', { ...input, threadId }, { repeatAfterMs }))
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
      const message: PendingMessage = { clientId, room, threadId, text, at, status: 'pending' }
      add(message)
      store.writeNow(keyOf(clientId), message)
      void run(room)
    },
    retry(clientId: ClientId) {
      const message = find(clientId)
      if (!message) return
      update(clientId, { status: 'pending', code: undefined, error: undefined })
      void run(message.room)
    },
    discard: settle,
    settle,
  }
}

/**
 * Calls `send` unless another tab is sending the message. In that case, returns 0, so that `run`
 * tries again after its own waiting time.
 */
function withTabLock(clientId: ClientId, send: () => Promise<number | undefined>) {
  if (!navigator.locks) return send()
  return navigator.locks.request(keyOf(clientId), { ifAvailable: true }, (lock) =>
    lock ? send() : 0,
  )
}

/**
 * Creates a UUIDv7. If its timestamp is recent, the server omits the query for an earlier copy of
 * the message.
 */
function newClientId(at: number): ClientId {
  const time = at.toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${crypto.randomUUID().slice(15)}` as ClientId
}
