import { createSignal, onCleanup } from 'solid-js'
import { isCallError } from '#runtime/client'
import type { ClientId, MessageId, RoomId } from '#schema/ids'
import { isPassing } from './ask.ts'
import type { ChatClient } from './createConnection.ts'
import type { Kept } from './kept.ts'

/** A message on its way. */
export interface Outgoing {
  clientId: ClientId
  room: RoomId
  threadId?: MessageId | undefined
  text: string
  /** When it was written, in milliseconds since the epoch. */
  at: number
  /** `sent` is what the server has, and the room has not shown yet. */
  status: 'pending' | 'sent' | 'failed'
  /** Why it failed, in the server's words. */
  error?: string | undefined
}

export type Outbox = ReturnType<typeof createOutbox>

const [firstRetryMs, lastRetryMs, shownMs] = [400, 8_000, 10_000]

/**
 * What we have said and the room does not show yet. It survives a reload; each message is tried until
 * the server has it or has refused it, in the order in which they were written.
 */
export function createOutbox(client: ChatClient, kept: Kept) {
  const [all, setAll] = createSignal<readonly Outgoing[]>([])
  const running = new Set<string>()
  let isStopped = false
  onCleanup(() => {
    isStopped = true
  })

  const known = kept.readNow<Outgoing[]>('outbox') ?? []
  setAll(known.filter(({ status }) => status !== 'sent'))
  for (const room of new Set(known.map(({ room }) => room))) void run(room)

  function change(make: (before: readonly Outgoing[]) => readonly Outgoing[]) {
    setAll(make)
    kept.writeNow('outbox', all())
  }

  function update(clientId: ClientId, what: Partial<Outgoing>) {
    change((before) => before.map((it) => (it.clientId === clientId ? { ...it, ...what } : it)))
  }

  function settle(clientId: ClientId) {
    if (all().some((it) => it.clientId === clientId))
      change((before) => before.filter((it) => it.clientId !== clientId))
  }

  /** One after the other, so that they are said in the order in which they were written. */
  async function run(room: RoomId) {
    if (running.has(room)) return
    running.add(room)
    for (let waitMs = firstRetryMs; !isStopped; ) {
      const next = all().find((it) => it.room === room && it.status === 'pending')
      if (!next) break
      const retryAfterMs = await trySend(next)
      if (retryAfterMs === undefined) {
        waitMs = firstRetryMs
        continue
      }
      await new Promise((resolve) => setTimeout(resolve, Math.max(waitMs, retryAfterMs)))
      waitMs = Math.min(waitMs * 2, lastRetryMs)
    }
    running.delete(room)
  }

  /** Undefined when its fate is known; else when to try again. */
  async function trySend({
    clientId,
    room,
    threadId,
    text,
  }: Outgoing): Promise<number | undefined> {
    try {
      const said = { room, clientId, text }
      await (threadId === undefined
        ? client.call('send', said)
        : client.call('send.thread', { ...said, threadId }))
      update(clientId, { status: 'sent' })
      setTimeout(() => settle(clientId), shownMs)
      return undefined
    } catch (error) {
      if (isPassing(error)) return 0
      if (isCallError(error) && error.code === 'rate_limited') return error.retryAfterMs ?? 1_000
      update(clientId, { status: 'failed', error: (error as Error).message })
      return undefined
    }
  }

  return {
    all,
    send(room: RoomId, text: string, threadId?: MessageId) {
      const at = Date.now()
      const clientId = newClientId(at)
      change((before) => [...before, { clientId, room, threadId, text, at, status: 'pending' }])
      void run(room)
    },
    retry(clientId: ClientId) {
      const found = all().find((it) => it.clientId === clientId)
      if (!found) return
      update(clientId, { status: 'pending', error: undefined })
      void run(found.room)
    },
    discard: settle,
    /** The room shows it now. */
    settle,
  }
}

/** A UUIDv7: the server sees by its time that it is new. */
function newClientId(at: number): ClientId {
  const time = at.toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${crypto.randomUUID().slice(15)}` as ClientId
}
