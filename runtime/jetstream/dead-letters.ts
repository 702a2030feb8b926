import type { JsMsg } from '@nats-io/jetstream'
import { headers, type MsgHdrs } from '@nats-io/nats-core'
import { FunctionError } from '../api/errors.ts'
import type { DeadLetter } from '../api/system.ts'
import type { Requester } from '../client/requester.ts'
import { writeHeaders } from '../nats/headers.ts'
import { deleteMessage, readBatch, readSequence, type StoredMessage } from './api.ts'
import { deadLetters } from './resources.ts'

/** A message of a stream, as a consumer has it or as a dead letter gives it back. */
export type Delivered = Pick<JsMsg, 'ack' | 'headers' | 'json' | 'seq' | 'subject'> & {
  readonly info: Pick<JsMsg['info'], 'timestampNanos'>
}

/** Of a message's own headers, those that its handler or its trace needs. */
const streamName = ['KV-Operation', 'traceparent', 'tracestate']
const marker = 'Nats-Marker-Reason'
const [keptMarker, keptTime] = ['Natter-Marker-Reason', 'Natter-Time']
const pageBytes = 4_000_000

/** All that a dead letter says of the message in it. */
export function deadLetterHeaders(message: JsMsg, durable: string, reason: string): MsgHdrs {
  const { stream, timestampNanos, deliveryCount } = message.info
  const hdrs: Record<string, string> = {
    'Nats-Msg-Id': `${durable}.${stream}.${message.seq}`,
    'Natter-Reason': reason.replace(/[^\x20-\x7e]+/g, ' ').slice(0, 500),
    'Natter-Stream': stream,
    'Natter-Subject': message.subject,
    'Natter-Sequence': String(message.seq),
    'Natter-Deliveries': String(deliveryCount),
    [keptTime]: new Date(timestampNanos / 1e6).toISOString(),
  }
  for (const key of streamName) {
    const value = message.headers?.get(key)
    if (value) hdrs[key] = value
  }
  const marked = message.headers?.get(marker)
  if (marked) hdrs[keptMarker] = marked
  return writeHeaders(hdrs)
}

/** The dead letters after a place, oldest first, and how many there are in all. */
export async function listDeadLetters(
  requester: Requester,
  { after, limit }: { after: number; limit: number },
): Promise<{ letters: DeadLetter[]; total: number; hasMore: boolean }> {
  const total = await countDeadLetters(requester)
  if (total === 0) return { letters: [], total, hasMore: false }
  const { messages, pending } = await readBatch(requester, deadLetters.stream, {
    seq: after + 1,
    next_by_subj: deadLetters.subjects[0],
    batch: limit,
    max_bytes: pageBytes,
  })
  return { letters: messages.map(toLetter), total, hasMore: pending > 0 }
}

/** One of them; undefined when it is not there any more. */
export async function findDeadLetter(requester: Requester, seq: number) {
  const stored = await readSequence(requester, deadLetters.stream, seq)
  return stored && { letter: toLetter(stored), message: restore(stored) }
}

/** False when it was not there. */
export function discardDeadLetter(requester: Requester, seq: number): Promise<boolean> {
  return deleteMessage(requester, deadLetters.stream, seq)
}

/** The message as it was delivered, but for those who would acknowledge it: there is nobody left. */
function restore(stored: StoredMessage): Delivered {
  const { message } = stored
  const { subject, sequence } = toLetter(stored)
  const time = Date.parse(message.headers?.get(keptTime) ?? '') || stored.at.getTime()
  const hdrs = headers()
  for (const key of streamName) {
    const value = message.headers?.get(key)
    if (value) hdrs.set(key, value)
  }
  const marked = message.headers?.get(keptMarker)
  if (marked) hdrs.set(marker, marked)
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
    service: subject.slice('dead.'.length),
    reason: read('Natter-Reason'),
    stream: read('Natter-Stream'),
    subject: read('Natter-Subject'),
    sequence: Number(read('Natter-Sequence')),
    deliveries: Number(read('Natter-Deliveries')),
    at,
    bytes: message.data.length,
  }
}

/** None where there is no such stream: no function here has ever consumed anything. */
async function countDeadLetters(requester: Requester): Promise<number> {
  const api = `$JS.API.STREAM.INFO.${deadLetters.stream}`
  const reply = await requester.request(api, '', { timeoutMs: 5_000 })
  const { state, error } = reply.json<{
    state?: { messages: number }
    error?: { err_code: number; description: string }
  }>()
  if (state) return state.messages
  if (error?.err_code === 10059) return 0
  throw new FunctionError('unavailable', `${deadLetters.stream}: ${error?.description}`)
}
