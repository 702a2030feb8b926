import { setTimeout as sleep } from 'node:timers/promises'
import type { Msg } from '@nats-io/nats-core'
import { MsgHdrsImpl } from '@nats-io/nats-core/internal'
import { FunctionError } from '../api/errors.ts'
import type { Requester } from '../client/requester.ts'

/** A message that a stream has stored. */
export interface StoredMessage {
  subject: string
  seq: number
  at: Date
  message: Pick<Msg, 'headers' | 'data' | 'json'>
}

interface ApiError {
  code: number
  err_code: number
  description: string
}

/**
 * Shorter than the default timeout of a call, so that the caller receives `unavailable` with the
 * reason, and not `timeout`.
 */
const timeoutMs = 4_000
const electionPauseMs = 50
const noMessageFound = 10_037

/** The fields of an answer that show whether a leader has sent it. */
interface Origin {
  error?: ApiError
  /** Present only in answers with the state of a stream or a consumer. */
  cluster?: { leader?: string }
}

/**
 * Sends a read-only request to the JetStream API. In a cluster, repeats it until a leader answers.
 * Throws `unavailable` if none has answered within `withinMs`.
 */
export async function readApi<Answer extends object>(
  requester: Requester,
  api: string,
  query = '',
  withinMs = timeoutMs,
): Promise<Answer & Origin> {
  const until = performance.now() + withinMs
  for (;;) {
    const options = {
      timeoutMs: Math.max(until - performance.now(), 0),
      // No server answers while a cluster elects a leader, so the request is repeated.
      repeat: requester.isClustered ? ('unanswered' as const) : undefined,
    }
    try {
      const reply = await requester.request(`$JS.API.${api}`, query, options)
      const answer = reply.json<Answer & Origin>()
      if (!requester.isClustered || isFromLeader(answer)) return answer
    } catch (error) {
      if (!(error instanceof FunctionError) || error.code !== 'timeout') throw error
      throw new FunctionError('unavailable', `No leader has answered ${api}`, { cause: error })
    }
    if (performance.now() > until) throw new FunctionError('unavailable', `${api} has no leader`)
    await sleep(electionPauseMs)
  }
}

/**
 * Returns false for an answer that may be outdated: a server that knows no leader of a stream
 * answers with the state of its own replica.
 */
function isFromLeader({ error, cluster }: Origin): boolean {
  return error?.code !== 503 && (cluster === undefined || Boolean(cluster.leader))
}

/**
 * Returns one message: the message with the sequence `seq`, the first one from `seq` on whose
 * subject matches `next_by_subj`, or the last one whose subject matches `last_by_subj`.
 */
export async function readFromLeader(
  requester: Requester,
  stream: string,
  query: { seq: number } | { seq: number; next_by_subj: string } | { last_by_subj: string },
  withinMs?: number,
): Promise<StoredMessage | undefined> {
  const { message, error } = await readApi<{ message?: EncodedMessage }>(
    requester,
    `STREAM.MSG.GET.${stream}`,
    JSON.stringify(query),
    withinMs,
  )
  if (message) return decode(message)
  if (error?.err_code === noMessageFound) return undefined
  throw new FunctionError('unavailable', `${stream} cannot be read: ${error?.description}`)
}

/** A message as the JetStream API returns it, with headers and data in base64. */
interface EncodedMessage {
  subject: string
  seq: number
  time: string
  hdrs?: string
  data?: string
}

function decode({ subject, seq, time, hdrs, data = '' }: EncodedMessage): StoredMessage {
  const bytes = Buffer.from(data, 'base64')
  const headers = hdrs ? { headers: MsgHdrsImpl.decode(Buffer.from(hdrs, 'base64')) } : {}
  const json = <T>() => JSON.parse(bytes.toString()) as T
  return { subject, seq, at: new Date(time), message: { ...headers, data: bytes, json } }
}
