import { setTimeout as sleep } from 'node:timers/promises'
import type { Msg } from '@nats-io/nats-core'
import { FunctionError } from '../api/errors.ts'
import type { DatedProgress } from '../api/stream.ts'
import type { Requester } from '../client/requester.ts'
import { readApi, readFromLeader, type StoredMessage } from './leader-reads.ts'

const timeoutMs = 5_000
const sequenceNotFound = 10043
const tooManyResults = 413

/** Pause before the next read if the replica that answered lacks messages. */
const replicaLagMs = 10

/**
 * If no part of an answer arrives for this many milliseconds, the request is repeated. The time
 * doubles with each attempt.
 */
const minSilenceMs = 300

/**
 * Returns the last message of a subject.
 *
 * In a cluster, any replica may answer a direct get, even one that still lacks the messages that were
 * acknowledged last. Therefore a read of one message asks the leader, which takes longer than a direct
 * get. A read of several messages uses a direct get, and checks whether the replica has all of them.
 */
export function readLast(
  requester: Requester,
  stream: string,
  subject: string,
  withinMs = timeoutMs,
): Promise<StoredMessage | undefined> {
  if (requester.isClustered)
    return readFromLeader(requester, stream, { last_by_subj: subject }, withinMs)
  return readDirect(requester, `$JS.API.DIRECT.GET.${stream}.${subject}`, '', withinMs)
}

export function readSequence(
  requester: Requester,
  stream: string,
  seq: number,
): Promise<StoredMessage | undefined> {
  if (requester.isClustered) return readFromLeader(requester, stream, { seq })
  return readDirect(requester, `$JS.API.DIRECT.GET.${stream}`, `{"seq":${seq}}`)
}

export interface NextQuery {
  /** The sequence of the first message to return. */
  seq: number
  next_by_subj: string
  batch: number
  max_bytes?: number
}

/** Returns messages in order, and in `pending` the number of further messages that match. */
export async function readNext(
  requester: Requester,
  stream: string,
  query: NextQuery,
): Promise<{ messages: StoredMessage[]; pending: number }> {
  const last_by_subj = query.next_by_subj
  const findLast = () =>
    requester.isClustered ? readFromLeader(requester, stream, { last_by_subj }) : undefined
  return untilCurrent(stream, async () => {
    const [read, last] = await Promise.all([readBatch(requester, stream, query), findLast()])
    const reached = read.messages.at(-1)?.seq ?? query.seq - 1
    return { result: read, isCurrent: read.pending > 0 || reached >= (last?.seq ?? 0) }
  })
}

/**
 * Returns the last message of each subject that matches one of `subjects`. Throws a
 * TooManySubjectsError if more than 1,024 subjects match.
 */
export async function readLastOfEach(
  requester: Requester,
  stream: string,
  subjects: readonly string[],
): Promise<StoredMessage[]> {
  const bounds = requester.isClustered ? readBounds(requester, stream) : undefined
  return untilCurrent(stream, async () => {
    const [{ messages, upTo }, current] = await Promise.all([
      readBatch(requester, stream, { multi_last: subjects }),
      bounds,
    ])
    return {
      result: messages,
      isCurrent: !current || upTo >= current.last || (await isEmpty(upTo)),
    }
  })

  /**
   * Returns true if the stream has no message that matches `subjects`. A replica that has no
   * matching message does not report its last sequence: `upTo` is then 0. The replica may lag
   * behind, so the leader is asked for a matching message.
   */
  async function isEmpty(upTo: number) {
    if (upTo > 0) return false
    for (const last_by_subj of subjects)
      if (await readFromLeader(requester, stream, { last_by_subj })) return false
    return true
  }
}

async function untilCurrent<T>(
  stream: string,
  read: () => Promise<{ result: T; isCurrent: boolean }>,
): Promise<T> {
  for (const until = performance.now() + timeoutMs; ; ) {
    const { result, isCurrent } = await read()
    if (isCurrent) return result
    if (performance.now() > until)
      throw new FunctionError('unavailable', `The replicas of ${stream} are behind; try again`)
    await sleep(replicaLagMs)
  }
}

async function readBatch(requester: Requester, stream: string, query: object) {
  const parts = await collectBatch(requester, `$JS.API.DIRECT.GET.${stream}`, JSON.stringify(query))
  const end = parts.pop()?.headers
  if (end && end.code === tooManyResults) throw new TooManySubjectsError(stream)
  if (end && end.code >= 400 && end.code !== 404)
    throw new FunctionError('unavailable', `${stream} cannot be read: ${end.description}`)
  return {
    messages: parts.flatMap((part) => parseStoredMessage(part) ?? []),
    pending: Number(end?.get('Nats-Num-Pending') || 0),
    upTo: Number(end?.get('Nats-UpTo-Sequence') || 0),
  }
}

/**
 * Repeats the request if no answer arrives, because the replica that received it may have stopped.
 */
async function collectBatch(requester: Requester, api: string, query: string): Promise<Msg[]> {
  const until = performance.now() + timeoutMs
  for (let silenceMs = minSilenceMs; ; silenceMs *= 2) {
    const remainingMs = until - performance.now()
    const silent = new AbortController()
    const isLastAttempt = !requester.isClustered || remainingMs <= silenceMs
    const timer = isLastAttempt ? undefined : setTimeout(() => silent.abort(), silenceMs)
    try {
      return await requester.collect(api, query, {
        timeoutMs: remainingMs,
        signal: silent.signal,
        repeat: requester.isClustered ? 'undelivered' : undefined,
        isLast(reply) {
          clearTimeout(timer)
          return (reply.headers?.code ?? 0) >= 200
        },
      })
    } catch (error) {
      if (isLastAttempt || !(silent.signal.aborted || isDisconnected(error))) throw error
    } finally {
      clearTimeout(timer)
    }
  }
}

function isDisconnected(error: unknown) {
  return error instanceof FunctionError && error.code === 'disconnected'
}

/**
 * Returns the first and the last sequence of a stream. The last sequence is current. The first one may
 * be outdated.
 *
 * During an election, a replica may answer with its own outdated state. If it already knows the new
 * leader, its answer looks like an answer of the leader. Only the leader answers a request for a
 * message, so the last message is read as well, and its sequence is returned if it is higher.
 */
export async function readBounds(
  requester: Requester,
  stream: string,
): Promise<{ first: number; last: number }> {
  const [{ state, error }, message] = await Promise.all([
    readApi<{ state?: { first_seq: number; last_seq: number } }>(
      requester,
      `STREAM.INFO.${stream}`,
    ),
    requester.isClustered
      ? readFromLeader(requester, stream, { last_by_subj: '>' })
      : Promise.resolve(undefined),
  ])
  if (state) return { first: state.first_seq, last: Math.max(state.last_seq, message?.seq ?? 0) }
  throw new FunctionError('unavailable', `${stream} cannot be read: ${error?.description}`)
}

interface ConsumerState {
  created: string
  ack_floor?: { stream_seq: number }
  delivered: { stream_seq: number }
  num_pending: number
  num_ack_pending: number
  config: { filter_subject?: string }
}

export async function readConsumerProgress(
  requester: Requester,
  stream: string,
  consumer: string,
): Promise<DatedProgress> {
  const { first, last } = await readBounds(requester, stream)
  const { error, ...state } = await readApi<ConsumerState>(
    requester,
    `CONSUMER.INFO.${stream}.${consumer}`,
  )
  const { ack_floor, num_pending, num_ack_pending } = state
  if (!ack_floor)
    throw new FunctionError('unavailable', `${consumer} cannot be read: ${error?.description}`)
  // The acknowledgement floor is the sequence of a message that the consumer received. The stream
  // may have newer messages on other subjects. So if the consumer has handled all its messages, the
  // stream's last sequence is returned instead.
  const caughtUp =
    num_pending === 0 && num_ack_pending === 0 && (await hasAll(requester, stream, state))
  // Messages before the stream's first message are deleted, so they count as handled.
  const floor = Math.max(ack_floor.stream_seq, first - 1)
  return { caughtUp, seq: caughtUp ? Math.max(last, floor) : floor, since: state.created }
}

/**
 * Returns whether the last message that matches the consumer's filter was delivered to it. In a
 * cluster, `num_pending` does not show this: the server that leads the consumer counts the messages
 * of its own replica of the stream, which may lag behind.
 */
async function hasAll(
  requester: Requester,
  stream: string,
  { delivered, config: { filter_subject: last_by_subj = '>' } }: ConsumerState,
): Promise<boolean> {
  if (!requester.isClustered) return true
  const last = await readFromLeader(requester, stream, { last_by_subj })
  return delivered.stream_seq >= (last?.seq ?? 0)
}

export class TooManySubjectsError extends Error {
  override name = 'TooManySubjectsError'
}

export async function deleteMessage(
  requester: Requester,
  stream: string,
  seq: number,
): Promise<boolean> {
  const api = `$JS.API.STREAM.MSG.DELETE.${stream}`
  const reply = await requester.request(api, `{"seq":${seq}}`, { timeoutMs })
  const { success, error } = reply.json<{
    success?: boolean
    error?: { err_code: number; description: string }
  }>()
  if (success) return true
  if (error?.err_code === sequenceNotFound) return false
  // The server reports these errors for a sequence before the first message of the stream, and for
  // one after the last message. In both cases, the message does not exist.
  if (/no message found|stream store EOF/.test(error?.description ?? '')) return false
  throw new FunctionError(
    'unavailable',
    `Message ${seq} of ${stream} was not deleted: ${error?.description}`,
  )
}

async function readDirect(requester: Requester, api: string, query: string, withinMs = timeoutMs) {
  return parseStoredMessage(await requester.request(api, query, { timeoutMs: withinMs }))
}

export function parseStoredMessage(message: Msg): StoredMessage | undefined {
  const hdrs = message.headers
  if (!hdrs || hdrs.code === 404) return undefined
  if (hdrs.code >= 400)
    throw new FunctionError('unavailable', `The stream cannot be read: ${hdrs.description}`)
  return {
    subject: hdrs.get('Nats-Subject'),
    seq: Number(hdrs.get('Nats-Sequence')),
    at: new Date(hdrs.get('Nats-Time-Stamp')),
    message,
  }
}
