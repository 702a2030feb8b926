import { createInbox, type Msg, type MsgHdrs, type NatsConnection } from '@nats-io/nats-core'
import { FunctionError } from '../api/errors.ts'
import { SlotPool } from './slot-pool.ts'

export interface RequestOptions {
  headers?: MsgHdrs | undefined
  /** How long to wait, in milliseconds. */
  timeoutMs: number
  signal?: AbortSignal | undefined
}

export interface Requester {
  /**
   * Publishes with a reply subject and answers with the first reply. Throws a FunctionError:
   * `unavailable` when nobody listens, `timeout`, `cancelled`, `forbidden` when the server refuses
   * the subject, `disconnected` when the connection went away with the request under way. While
   * there is no connection, the request waits for one as long as its time lasts.
   */
  request(subject: string, payload: string | Uint8Array, options: RequestOptions): Promise<Msg>
  /**
   * The same for an answer in several parts: all up to the one that `isLast`, in order and with it.
   * A part that is late lets all of them fail.
   */
  collect(
    subject: string,
    payload: string | Uint8Array,
    options: RequestOptions & { isLast: (reply: Msg) => boolean },
  ): Promise<Msg[]>
  /** Unsubscribes; what is still waiting ends as `disconnected`. */
  close(): void
}

interface PendingRequest {
  subject: string
  /** The last part of its reply subject: how many came before it, and its slot. */
  token: string
  slot: number
  /** By `performance.now()`. */
  until: number
  resolve: (reply: Msg) => void
  reject: (reason: FunctionError) => void
  /** True for a reply after which more are to come. */
  goesOn: ((reply: Msg) => boolean) | undefined
  /** Set while there is no connection to send it on. */
  send: (() => void) | undefined
}

/** How often overdue requests are looked for: what a timeout may be late by, in milliseconds. */
const sweepMs = 20

/**
 * Requests over one inbox subscription and one map. No timer, no race and no captured stack per
 * request: those are what most of the time of nats.js's own `request` goes into.
 */
export function createRequester(nc: NatsConnection, inboxPrefix = '_INBOX'): Requester {
  const inbox = `${createInbox(inboxPrefix)}.`
  const waiting = new SlotPool<PendingRequest>()
  let count = 0
  let connected = true
  let closed = false
  let sweeper: ReturnType<typeof setInterval> | undefined

  const subscription = nc.subscribe(`${inbox}*`, {
    callback(error, reply) {
      if (error) return rejectAll(new FunctionError('forbidden', error.message, { cause: error }))
      const token = reply.subject.slice(inbox.length)
      const request = waiting.get(Number(token.slice(token.indexOf('-') + 1)))
      // A late answer finds another one in its place.
      if (request?.token !== token || request.goesOn?.(reply)) return
      waiting.delete(request.slot)
      if (reply.data.length === 0 && isNoResponders(reply))
        request.reject(new FunctionError('unavailable', `Nobody answers on ${request.subject}`))
      else request.resolve(reply)
    },
  })
  void followConnection()

  return {
    request: ask,
    async collect(subject, payload, { isLast, ...options }) {
      const parts: Msg[] = []
      await ask(subject, payload, options, (reply) => {
        parts.push(reply)
        return !isLast(reply)
      })
      return parts
    },
    close() {
      closed = true
      clearInterval(sweeper)
      if (!subscription.isClosed() && !nc.isClosed()) subscription.unsubscribe()
      rejectAll(new FunctionError('disconnected', 'The client was closed'))
    },
  }

  function ask(
    subject: string,
    payload: string | Uint8Array,
    { headers, timeoutMs, signal }: RequestOptions,
    goesOn?: (reply: Msg) => boolean,
  ): Promise<Msg> {
    if (closed) return Promise.reject(new FunctionError('disconnected', 'The client is closed'))
    if (signal?.aborted) return Promise.reject(cancelled(subject, signal))
    return new Promise((resolve, reject) => {
      const request: PendingRequest = {
        subject,
        token: '',
        slot: -1,
        until: performance.now() + timeoutMs,
        resolve,
        reject,
        goesOn,
        send: undefined,
      }
      const slot = waiting.add(request)
      const token = `${(count++).toString(36)}-${slot}`
      request.slot = slot
      request.token = token
      const reply = inbox + token
      const options = headers ? { reply, headers } : { reply }
      sweeper ??= setInterval(sweep, sweepMs)
      if (signal) rejectOnAbort(request, signal)
      try {
        if (connected) nc.publish(subject, payload, options)
        else request.send = () => nc.publish(subject, payload, options)
      } catch (error) {
        drop(request)
        reject(publishFailure(subject, error))
      }
    })
  }

  /** False for one that is answered already. */
  function drop(request: PendingRequest): boolean {
    if (waiting.get(request.slot) !== request) return false
    waiting.delete(request.slot)
    return true
  }

  function sweep() {
    const now = performance.now()
    for (const request of waiting.list()) {
      if (request.until > now) continue
      drop(request)
      request.reject(new FunctionError('timeout', `No answer on ${request.subject} in time`))
    }
    if (waiting.size > 0) return
    clearInterval(sweeper)
    sweeper = undefined
  }

  function rejectOnAbort(request: PendingRequest, signal: AbortSignal) {
    const abort = () => {
      if (drop(request)) request.reject(cancelled(request.subject, signal))
    }
    signal.addEventListener('abort', abort, { once: true })
    const { resolve, reject } = request
    const settle =
      <T>(end: (value: T) => void) =>
      (value: T) => {
        signal.removeEventListener('abort', abort)
        end(value)
      }
    request.resolve = settle(resolve)
    request.reject = settle(reject)
  }

  function rejectAll(reason: FunctionError) {
    for (const request of waiting.list()) {
      drop(request)
      request.reject(reason)
    }
  }

  /** A publish without a connection is dropped in silence, so requests are held until it is back. */
  async function followConnection() {
    for await (const status of nc.status()) {
      if (status.type === 'disconnect') {
        connected = false
        for (const request of waiting.list()) {
          if (request.send) continue
          drop(request)
          request.reject(
            new FunctionError(
              'disconnected',
              `The connection was lost before the answer on ${request.subject}`,
            ),
          )
        }
      } else if (status.type === 'reconnect') {
        connected = true
        for (const request of waiting.list()) sendHeld(request)
      } else if (status.type === 'error') {
        refuse(status.error)
      }
    }
    rejectAll(new FunctionError('disconnected', 'The connection is closed'))
  }

  function sendHeld(request: PendingRequest) {
    const { send } = request
    if (!send) return
    request.send = undefined
    try {
      send()
    } catch (error) {
      drop(request)
      request.reject(publishFailure(request.subject, error))
    }
  }

  /** The server says which subject it refused, so whoever asked there need not wait. */
  function refuse(error: Error & { operation?: string; subject?: string }) {
    if (error.operation !== 'publish') return
    for (const request of waiting.list()) {
      if (request.subject !== error.subject) continue
      drop(request)
      request.reject(
        new FunctionError('forbidden', `You may not ask on ${request.subject}`, { cause: error }),
      )
    }
  }
}

function isNoResponders(reply: Msg) {
  return reply.headers?.code === 503
}

function cancelled(subject: string, signal: AbortSignal) {
  return new FunctionError('cancelled', `The call on ${subject} was given up`, {
    cause: signal.reason,
  })
}

function publishFailure(subject: string, error: unknown) {
  const reason = error instanceof Error ? error.message : String(error)
  const code = reason.includes('max_payload') ? 'too_large' : 'disconnected'
  return new FunctionError(code, `Cannot ask on ${subject}: ${reason}`, { cause: error })
}
