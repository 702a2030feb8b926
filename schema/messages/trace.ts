import * as v from 'valibot'
import type { Contract } from '#runtime'
import { Time } from '../ids.ts'

/** The page begins a trace for each call of these functions. */
export const tracedCalls = ['send', 'send.thread'] as const
export type TracedCall = (typeof tracedCalls)[number]

const hexId = (digits: number) =>
  v.pipe(v.string(), v.regex(new RegExp(`^(?!0+$)[0-9a-f]{${digits}}$`)))

/** A span of a call by the page, from the start of the call to its answer. */
const PageSpan = v.strictObject({
  trace: hexId(32),
  id: hexId(16),
  name: v.picklist(tracedCalls),
  /** The start of the call, by the client's clock. */
  at: Time,
  ms: v.pipe(v.number(), v.minValue(0), v.maxValue(600_000)),
  /** The error code of a failed call. */
  code: v.optional(v.pipe(v.string(), v.regex(/^[a-z_]{1,32}$/))),
})
export type PageSpan = v.InferOutput<typeof PageSpan>

export const maxReportedSpans = 20

/**
 * `trace.report`: exports spans that the caller's page has recorded. `isExported` is false if the
 * runtime exports no spans.
 */
export const traceReport = {
  subject: 'trace.report',
  input: v.strictObject({
    spans: v.pipe(v.array(PageSpan), v.minLength(1), v.maxLength(maxReportedSpans)),
  }),
  output: v.object({ isExported: v.boolean() }),
  audience: ['admin', 'user'],
  description: 'Exports spans of the page',
} as const satisfies Contract
