import { headers, type MsgHdrs } from '@nats-io/nats-core'
import { isCallError } from '#runtime/client'
import {
  maxReportedSpans,
  type PageSpan,
  type TracedCall,
  tracedCalls,
} from '#schema/messages/trace'
import type { ChatClient } from './chatClient.ts'

type CreateClient = (headers: (name: PropertyKey) => MsgHdrs | undefined) => ChatClient
type TraceIds = Pick<PageSpan, 'trace' | 'id'>

/**
 * Spans are collected for this time and then reported in one call. If there are more than
 * `maxReportedSpans`, the later ones are dropped.
 */
const reportDelayMs = 10_000

/**
 * Begins a trace with each call of `tracedCalls`, and reports the spans of these calls until the runtime
 * answers that it exports no traces.
 */
export function createTracedClient(create: CreateClient, delayMs = reportDelayMs): ChatClient {
  let latest: TraceIds = newIds()
  const client = create((name) => {
    if (!isTraced(name)) return undefined
    latest = newIds()
    const hdrs = headers()
    hdrs.set('traceparent', `00-${latest.trace}-${latest.id}-01`)
    return hdrs
  })
  const reports = createReports(client, delayMs)
  return {
    ...client,
    call(name, input, options) {
      const startedAt = performance.now()
      // `client.call` creates the headers before it returns, so `latest` has the ids of this call.
      const answer = client.call(name, input, options)
      if (isTraced(name)) reports.follow(answer, { ...latest, name }, startedAt)
      return answer
    },
    close() {
      reports.stop()
      client.close()
    },
  }
}

function createReports(client: ChatClient, delayMs: number) {
  const waiting: PageSpan[] = []
  let isOff = false
  let timer: ReturnType<typeof setTimeout> | undefined

  async function report() {
    timer = undefined
    const answer = await client.try('trace.report', { spans: waiting.splice(0) })
    // A failed report is not repeated: its spans are lost.
    if (answer.ok) isOff = !answer.value.isExported
  }

  return {
    follow(answer: Promise<unknown>, span: TraceIds & { name: TracedCall }, startedAt: number) {
      if (isOff) return
      const ended = (error?: unknown) => {
        if (isOff || waiting.length === maxReportedSpans) return
        const at = new Date(performance.timeOrigin + startedAt).toISOString()
        const code = isCallError(error) ? error.code : undefined
        const ms = performance.now() - startedAt
        waiting.push({ ...span, at, ms, ...(code === undefined ? {} : { code }) })
        timer ??= setTimeout(() => void report(), delayMs)
      }
      answer.then(() => ended(), ended)
    },
    stop() {
      isOff = true
      clearTimeout(timer)
    },
  }
}

function isTraced(name: PropertyKey): name is TracedCall {
  return tracedCalls.some((traced) => traced === name)
}

function newIds(): TraceIds {
  return { trace: newId(16), id: newId(8) }
}

function newId(bytes: number): string {
  const values = crypto.getRandomValues(new Uint8Array(bytes))
  return [...values].map((value) => value.toString(16).padStart(2, '0')).join('')
}
