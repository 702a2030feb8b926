import { setTimeout as sleep } from 'node:timers/promises'
import type { Msg, MsgHdrs } from '@nats-io/nats-core'
import { type ErrorOptions, FunctionError } from '../api/errors.ts'
import { writeHeaders } from '../api/headers.ts'
import type { PubAck } from '../api/stream.ts'
import type { Requester } from '../client/requester.ts'

const ackTimeoutMs = 2_000
/** While a stream acknowledges nothing, one publish in this time tests it. The others fail at once. */
const testIntervalMs = 2_000
/** When to test the stalled streams again, by `performance.now()`. */
const stalledStreams = new WeakMap<Requester, Map<string, number>>()
/** Called with the bucket, or the first tokens of the stream's subjects. */
type StallListener = (stream: string, isStalled: boolean) => void
const stallListeners = new WeakMap<Requester, StallListener>()
/** The header with the expected last sequence of the subject; 0 if the subject should be empty. */
export const expectHeader = 'Nats-Expected-Last-Subject-Sequence'
const wrongLastSequence = 10071
/**
 * In a cluster, another message with the same id, or on the same subject with an expected sequence, is not yet
 * on enough replicas.
 */
const inProcess = [10158, 10163, 10164]
const replicationPauseMs = 20

/** The stream rejected a message, or did not acknowledge it. */
export class NotStoredError extends FunctionError<'unavailable'> {
  constructor(subject: string, reason: string, options?: ErrorOptions) {
    super('unavailable', `${subject} was not stored: ${reason}`, options)
  }
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
  options: { headers?: MsgHdrs | undefined; expect?: number; stream?: string | undefined } = {},
): Promise<PubAck | undefined> {
  let hdrs = options.headers
  if (options.expect !== undefined) {
    hdrs?.set(expectHeader, String(options.expect))
    hdrs ??= writeHeaders({ [expectHeader]: String(options.expect) })
  }
  for (const until = performance.now() + ackTimeoutMs; ; await sleep(replicationPauseMs)) {
    const reply = await requestAck(requester, subject, payload, hdrs, options.stream)
    const { seq, duplicate, error } = reply.json<Ack>()
    if (!error) return { seq, duplicate: duplicate === true }
    if (error.err_code === wrongLastSequence) return undefined
    if (inProcess.includes(error.err_code) && performance.now() < until) continue
    throw new NotStoredError(subject, error.description)
  }
}

/** Calls back when a stream stops to acknowledge messages, and when it acknowledges one again. */
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
  headers: MsgHdrs | undefined,
  stream = streamOf(subject),
): Promise<Msg> {
  const stalled = stalledStreams.get(requester) ?? new Map<string, number>()
  stalledStreams.set(requester, stalled)
  const testAt = stalled.get(stream)
  if (testAt !== undefined && performance.now() < testAt) throw notAcknowledged(subject)
  if (testAt !== undefined) stalled.set(stream, performance.now() + ackTimeoutMs)
  try {
    const reply = await requester.request(subject, payload, { headers, timeoutMs: ackTimeoutMs })
    if (testAt !== undefined && stalled.delete(stream)) report(requester, stream, false)
    return reply
  } catch (error) {
    const code = error instanceof FunctionError ? error.code : undefined
    // The server restarts.
    if (code === 'disconnected') stalled.clear()
    if (code !== 'timeout') throw error
    if (!stalled.has(stream)) report(requester, stream, true)
    stalled.set(stream, performance.now() + testIntervalMs)
    throw notAcknowledged(subject, error)
  }
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
