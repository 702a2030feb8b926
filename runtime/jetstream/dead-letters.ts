import type { JsMsg } from '@nats-io/jetstream'
import { headers, type MsgHdrs } from '@nats-io/nats-core'
import { FunctionError } from '../api/errors.ts'
import { writeHeaders } from '../api/headers.ts'
import type { DeadLetter } from '../api/system.ts'
import type { Requester } from '../client/requester.ts'
import { deleteMessage, readNext, readSequence } from './api.ts'
import type { StoredMessage } from './leader-reads.ts'
import { deadLetters } from './resources.ts'

export type Delivered = Pick<JsMsg, 'ack' | 'headers' | 'json' | 'seq' | 'subject'> & {
  readonly info: Pick<JsMsg['info'], 'timestampNanos'>
}

/** The headers that a dead letter copies from the original message, because a replay needs them. */
const preservedHeaders = ['KV-Operation', 'traceparent', 'tracestate']
const markerHeader = 'Nats-Marker-Reason'
/**
 * The header in which a dead letter stores the original value of `Nats-Marker-Reason`, because only
 * the server may set that header.
 */
const storedMarkerHeader = 'Natter-Marker-Reason'
const storedTimeHeader = 'Natter-Time'
const maxPageBytes = 4_000_000
const streamNotFound = 10059

export function deadLetterHeaders(message: JsMsg, durable: string, reason: string): MsgHdrs {
  const { stream, timestampNanos, deliveryCount } = message.info
  const hdrs: Record<string, string> = {
    'Nats-Msg-Id': `${durable}.${stream}.${message.seq}`,
    'Natter-Reason': reason.replace(/[^\x20-\x7e]+/g, ' ').slice(0, 500),
    'Natter-Stream': stream,
    'Natter-Subject': message.subject,
    'Natter-Sequence': String(message.seq),
    'Natter-Deliveries': String(deliveryCount),
    [storedTimeHeader]: new Date(timestampNanos / 1e6).toISOString(),
  }
  for (const key of preservedHeaders) {
    const value = message.headers?.get(key)
    if (value) hdrs[key] = value
  }
  const marker = message.headers?.get(markerHeader)
  if (marker) hdrs[storedMarkerHeader] = marker
  return writeHeaders(hdrs)
}

export async function listDeadLetters(
  requester: Requester,
  { after, limit }: { after: number; limit: number },
): Promise<{ letters: DeadLetter[]; total: number; hasMore: boolean }> {
  const total = await countDeadLetters(requester)
  if (total === 0) return { letters: [], total, hasMore: false }
  const { messages, pending } = await readNext(requester, deadLetters.stream, {
    seq: after + 1,
    next_by_subj: deadLetters.subjects[0],
    batch: limit,
    max_bytes: maxPageBytes,
  })
  return { letters: messages.map(toLetter), total, hasMore: pending > 0 }
}

/** Returns the sequences of the messages of `stream` that have become dead letters of `service`. */
export async function findDeadSequences(
  requester: Requester,
  { service, stream }: { service: string; stream: string },
): Promise<Set<number>> {
  const sequences = new Set<number>()
  for (let seq = 1; ; ) {
    const { messages, pending } = await readNext(requester, deadLetters.stream, {
      seq,
      next_by_subj: `dead.${service}`,
      batch: 1_000,
      max_bytes: maxPageBytes,
    })
    for (const letter of messages.map(toLetter)) {
      if (letter.stream === stream) sequences.add(letter.sequence)
      seq = letter.seq + 1
    }
    if (pending === 0 || messages.length === 0) return sequences
  }
}

export async function findDeadLetter(requester: Requester, seq: number) {
  const stored = await readSequence(requester, deadLetters.stream, seq)
  return stored && { letter: toLetter(stored), message: restore(stored) }
}

export function discardDeadLetter(requester: Requester, seq: number): Promise<boolean> {
  return deleteMessage(requester, deadLetters.stream, seq)
}

/**
 * Returns the original message of a dead letter. Its `ack` does nothing, because the original
 * delivery has ended.
 */
function restore(stored: StoredMessage): Delivered {
  const { message } = stored
  const { subject, sequence } = toLetter(stored)
  const time = Date.parse(message.headers?.get(storedTimeHeader) ?? '') || stored.at.getTime()
  const hdrs = headers()
  for (const key of preservedHeaders) {
    const value = message.headers?.get(key)
    if (value) hdrs.set(key, value)
  }
  const marker = message.headers?.get(storedMarkerHeader)
  if (marker) hdrs.set(markerHeader, marker)
  return {
    subject,
    seq: sequence,
    headers: hdrs,
    json: () => message.json(),
    info: { timestampNanos: time * 1e6 },
    ack() {},
  }
}

function toLetter({ subject, seq, at, message }: StoredMessage): DeadLetter {
  const read = (key: string) => message.headers?.get(key) ?? ''
  return {
    seq,
    service: readService(subject),
    reason: read('Natter-Reason'),
    stream: read('Natter-Stream'),
    subject: read('Natter-Subject'),
    sequence: Number(read('Natter-Sequence')),
    deliveries: Number(read('Natter-Deliveries')),
    at,
    bytes: message.data.length,
  }
}

/** Returns the number of dead letters of each function, by its service name. */
export async function countDeadLettersByService(
  requester: Requester,
): Promise<Map<string, number>> {
  const { subjects = {} } = await readState(requester, { subjects_filter: deadLetters.subjects[0] })
  return new Map(
    Object.entries(subjects).map(([subject, count]) => [readService(subject), count] as const),
  )
}

async function countDeadLetters(requester: Requester): Promise<number> {
  return (await readState(requester)).messages
}

interface StreamState {
  messages: number
  /** The number of messages by subject, if the request has a filter. */
  subjects?: Record<string, number>
}

async function readState(
  requester: Requester,
  query?: { subjects_filter: string },
): Promise<StreamState> {
  const api = `$JS.API.STREAM.INFO.${deadLetters.stream}`
  const reply = await requester.request(api, query ? JSON.stringify(query) : '', {
    timeoutMs: 5_000,
  })
  const { state, error } = reply.json<{
    state?: StreamState
    error?: { err_code: number; description: string }
  }>()
  if (state) return state
  if (error?.err_code === streamNotFound) return { messages: 0 }
  throw new FunctionError('unavailable', `${deadLetters.stream}: ${error?.description}`)
}

function readService(subject: string): string {
  return subject.slice('dead.'.length)
}
