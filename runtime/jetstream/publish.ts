import { setTimeout as sleep } from 'node:timers/promises'
import type { MsgHdrs } from '@nats-io/nats-core'
import { type ErrorOptions, FunctionError } from '../api/errors.ts'
import { writeHeaders } from '../api/headers.ts'
import type { PubAck } from '../api/stream.ts'
import type { Requester } from '../client/requester.ts'

const ackTimeoutMs = 2_000
/**
 * While a stream acknowledges no message, only one publish is sent to it in this many milliseconds,
 * to test whether the stream works again. All other publishes to the stream fail at once.
 */
const testIntervalMs = 2_000
interface StreamState {
  /** When the stream last replied, by `performance.now()`. */
  repliedAt: number
  isStalled: boolean
  /**
   * When to send the next publish to the stalled stream, as a test. Until then, publishes fail at
   * once.
   */
  testAt: number | undefined
}
const streamStates = new WeakMap<Requester, Map<string, StreamState>>()
/** `stream` identifies a stream by the first tokens of its subjects, and a bucket by its name. */
type StallListener = (stream: string, isStalled: boolean) => void
const stallListeners = new WeakMap<Requester, StallListener>()
/**
 * The header with the sequence that the last message on the subject must have; 0 if there must be
 * no message. Otherwise, the stream rejects the publish.
 */
export const expectHeader = 'Nats-Expected-Last-Subject-Sequence'
const wrongLastSequence = 10071
/**
 * The error codes with which a cluster rejects a publish because an earlier message is not yet on
 * enough replicas. The earlier message has the same id, or has the same subject and an expected
 * sequence. The publish must be repeated.
 */
const inProcess = [10158, 10163, 10164]
const replicationPauseMs = 20

/** The stream rejected a message, or did not acknowledge it. */
export class NotStoredError extends FunctionError<'unavailable'> {
  constructor(subject: string, reason: string, options?: ErrorOptions) {
    super('unavailable', `${subject} was not stored: ${reason}`, options)
  }
}

export interface PublishOptions {
  headers?: MsgHdrs | undefined
  /** Whether `headers` contain an id, by which the stream deduplicates messages. */
  hasId?: boolean
  expect?: number
  stream?: string | undefined
}

/**
 * Publishes to the stream that captures the subject, and waits for the acknowledgement. Returns
 * undefined if the last sequence of the subject is not `expect`. Throws `unavailable` if no stream
 * captures the subject, and a NotStoredError if the stream rejects the message or does not acknowledge
 * it: a server whose disk is full does not respond at all.
 */
export async function publishStored(
  requester: Requester,
  subject: string,
  payload: string | Uint8Array,
  options: PublishOptions = {},
): Promise<PubAck | undefined> {
  let hdrs = options.headers
  if (options.expect !== undefined) {
    hdrs?.set(expectHeader, String(options.expect))
    hdrs ??= writeHeaders({ [expectHeader]: String(options.expect) })
  }
  const sentAt = performance.now()
  for (;;) {
    const ack = await requestAck(requester, subject, payload, { ...options, headers: hdrs })
    const { seq, duplicate, error } = ack
    if (!error) return { seq, duplicate: duplicate === true }
    if (error.err_code === wrongLastSequence) return undefined
    if (!isInProcess(ack)) throw new NotStoredError(subject, error.description)
    if (performance.now() > sentAt + ackTimeoutMs) {
      const stream = options.stream ?? streamOf(subject)
      noteLoss(requester, stream, sentAt, performance.now() + testIntervalMs)
      throw notAcknowledged(subject)
    }
    await sleep(replicationPauseMs)
  }
}

/** Calls `listener` when a stream stops acknowledging messages, and when it acknowledges one again. */
export function watchStalledStreams(requester: Requester, listener: StallListener): void {
  stallListeners.set(requester, listener)
}

interface Ack {
  seq: number
  duplicate?: boolean
  error?: { err_code: number; description: string }
}

async function requestAck(
  requester: Requester,
  subject: string,
  payload: string | Uint8Array,
  { headers, hasId, stream = streamOf(subject) }: PublishOptions,
): Promise<Ack> {
  const state = stateOf(requester, stream)
  const sentAt = performance.now()
  const { testAt } = state
  if (testAt !== undefined && sentAt < testAt) throw notAcknowledged(subject)
  if (testAt !== undefined) state.testAt = sentAt + ackTimeoutMs
  try {
    const reply = await requester.request(subject, payload, {
      headers,
      timeoutMs: ackTimeoutMs,
      repeat: repeatOf(requester, hasId),
    })
    const ack = reply.json<Ack>()
    // An answer with one of the `inProcess` codes does not show that the stream can store messages.
    // A repeated message gets such an answer until its first copy is stored, even if the disk of
    // the leader is full.
    if (isInProcess(ack)) return ack
    state.repliedAt = performance.now()
    if (state.isStalled) report(requester, stream, false)
    state.isStalled = false
    state.testAt = undefined
    return ack
  } catch (error) {
    const code = error instanceof FunctionError ? error.code : undefined
    // The server may have restarted, so that its streams work again. So the next publish to each
    // stream is sent.
    if (code === 'disconnected')
      for (const other of statesOf(requester).values()) other.testAt = undefined
    if (code === 'unavailable' && requester.isClustered) {
      // The next publish to this stream is sent, because the stream may have a new leader by then.
      noteLoss(requester, stream, sentAt)
      throw new NotStoredError(subject, 'its stream has no leader', {
        retryAfterMs: 1_000,
        cause: error,
      })
    }
    if (code !== 'timeout') throw error
    noteLoss(requester, stream, sentAt, performance.now() + testIntervalMs)
    throw notAcknowledged(subject, error)
  }
}

function isInProcess({ error }: Ack) {
  return error !== undefined && inProcess.includes(error.err_code)
}

/**
 * Records that a message sent at `sentAt` was not acknowledged. Marks the stream as stalled, unless
 * it has replied to another message since then.
 */
function noteLoss(requester: Requester, stream: string, sentAt: number, testAt?: number) {
  const state = stateOf(requester, stream)
  if (state.repliedAt >= sentAt) return
  if (!state.isStalled) report(requester, stream, true)
  state.isStalled = true
  state.testAt = testAt
}

/**
 * While the servers of a cluster elect the leader of a stream, publishes fail with no responders,
 * or get no reply. If there is no reply, the stream may have stored the message. Then the publish
 * is repeated only if the message has an id, by which the stream can deduplicate it.
 */
function repeatOf({ isClustered }: Requester, hasId = false) {
  if (!isClustered) return undefined
  return hasId ? 'unanswered' : 'undelivered'
}

function statesOf(requester: Requester): Map<string, StreamState> {
  const existing = streamStates.get(requester)
  if (existing) return existing
  const states = new Map<string, StreamState>()
  streamStates.set(requester, states)
  return states
}

function stateOf(requester: Requester, stream: string): StreamState {
  const states = statesOf(requester)
  const existing = states.get(stream)
  if (existing) return existing
  const state = { repliedAt: 0, isStalled: false, testAt: undefined }
  states.set(stream, state)
  return state
}

function report(requester: Requester, stream: string, isStalled: boolean) {
  stallListeners.get(requester)?.(stream, isStalled)
}

function streamOf(subject: string): string {
  const [first = '', second = ''] = subject.split('.', 2)
  return first === '$KV' ? second : first
}

function notAcknowledged(subject: string, cause?: unknown) {
  const reason = 'the server does not acknowledge it; its disk may be full or read-only'
  return new NotStoredError(subject, reason, { retryAfterMs: 1_000, cause })
}
