import { randomBytes } from 'node:crypto'
import type { MsgHdrs } from '@nats-io/nats-core'
import { headers } from '@nats-io/nats-core'
import {
  context,
  type Context as OtelContext,
  ProxyTracerProvider,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { type ErrorCode, errorStatus } from '../api/errors.ts'

const propagator = new W3CTraceContextPropagator()
const tracer = trace.getTracer('natter')

/** The trace a message belongs to, and our part in it. */
export interface Trace {
  readonly context: OtelContext
  readonly span: Span | undefined
  /** Set where whoever began the trace wants it kept. */
  readonly part: TracePart | undefined
}

/** Our step of a trace, and the one it came from. */
export interface TracePart {
  readonly trace: string
  readonly id: string
  readonly parent: string | undefined
}

/**
 * Begins our part of a trace. Undefined when nobody traces and the message belongs to none: tracing
 * costs nothing then. One that comes in sampled is kept in memory (see spans.ts), exporter or not; one
 * that does not goes on as it came.
 */
export function beginTrace(name: string, carrier: MsgHdrs | undefined): Trace | undefined {
  const incoming = carrier?.has('traceparent')
  const recording = tracerProviderIsSet()
  if (!incoming && !recording) return undefined
  const parent = incoming ? propagator.extract(ROOT_CONTEXT, carrier, fromHeaders) : ROOT_CONTEXT
  const from = trace.getSpanContext(parent)
  if (recording) {
    const span = tracer.startSpan(name, { kind: SpanKind.SERVER }, parent)
    const part = partOf(span.spanContext(), from)
    return { context: trace.setSpan(parent, span), span, part }
  }
  if (!from || !isSampled(from)) return { context: parent, span: undefined, part: undefined }
  const ours: SpanContext = { ...from, spanId: newId(8), isRemote: false }
  const context = trace.setSpanContext(parent, ours)
  return { context, span: undefined, part: partOf(ours, from) }
}

/** Our part in the trace of one more message that is handled together with the first. */
export function joinTrace(carrier: MsgHdrs | undefined): TracePart | undefined {
  const from = readTrace(carrier)
  return from && isSampled(from)
    ? { trace: from.traceId, id: newId(8), parent: from.spanId }
    : undefined
}

/** The trace that a message carries. */
export function readTrace(carrier: MsgHdrs | undefined): SpanContext | undefined {
  if (!carrier?.has('traceparent')) return undefined
  return trace.getSpanContext(propagator.extract(ROOT_CONTEXT, carrier, fromHeaders))
}

function partOf(ours: SpanContext, from: SpanContext | undefined): TracePart | undefined {
  if (!isSampled(ours)) return undefined
  return { trace: ours.traceId, id: ours.spanId, parent: from?.spanId }
}

function isSampled({ traceFlags }: SpanContext) {
  return (traceFlags & TraceFlags.SAMPLED) !== 0
}

/** What went wrong, and whether that is a fault: what was refused on purpose is no error of ours. */
export interface TraceEnd {
  code: ErrorCode
  error: { message: string }
}

export function endTrace({ span }: Trace, end?: TraceEnd): void {
  if (!span) return
  if (end) {
    span.setAttribute('natter.code', end.code)
    if (errorStatus[end.code] >= 500) {
      span.recordException(end.error instanceof Error ? end.error : end.error.message)
      span.setStatus({ code: SpanStatusCode.ERROR, message: end.error.message })
    }
  }
  span.end()
}

/** Runs with the trace as OpenTelemetry's active context, so that instrumented libraries join it. */
export function withTrace<T>(traced: Trace | undefined, run: () => T): T {
  return traced?.span ? context.with(traced.context, run) : run()
}

/** The headers that carry a trace on; undefined where there is none. */
export function traceHeaders(traced: Trace | undefined): MsgHdrs | undefined {
  if (!traced) return undefined
  const carrier = headers()
  propagator.inject(traced.context, carrier, { set: (hdrs, key, value) => hdrs.set(key, value) })
  return carrier
}

/** The id to look a trace up by. */
export function traceId(traced: Trace | undefined): string | undefined {
  return traced && trace.getSpanContext(traced.context)?.traceId
}

/** Returns a random trace or span id: `bytes` bytes in hexadecimal. */
export function newId(bytes: number): string {
  return randomBytes(bytes).toString('hex')
}

/** Looked up at most once a second: it may be set at any time, and every call would ask. */
function tracerProviderIsSet() {
  const now = performance.now()
  if (now < lookedUp.until) return lookedUp.isSet
  const provider = trace.getTracerProvider()
  const isSet =
    !(provider instanceof ProxyTracerProvider) || provider.getDelegateTracer('natter') !== undefined
  lookedUp = { isSet, until: now + 1_000 }
  return isSet
}

let lookedUp = { isSet: false, until: 0 }

const fromHeaders = {
  get: (carrier: MsgHdrs | undefined, key: string) => carrier?.get(key) || undefined,
  keys: (carrier: MsgHdrs | undefined) => carrier?.keys() ?? [],
}
