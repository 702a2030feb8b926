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

export interface Trace {
  readonly context: OtelContext
  readonly span: Span | undefined
  /** Undefined if the trace is not sampled. */
  readonly part: TracePart | undefined
}

export interface TracePart {
  readonly trace: string
  readonly id: string
  readonly parent: string | undefined
}

/**
 * Begins the span of a call. If an OpenTelemetry tracer provider is set, the provider creates the
 * span. Otherwise, if the trace is sampled, only ids are created, and span-store.ts stores the span
 * with them. Returns undefined if no provider is set and the message carries no trace.
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

/**
 * Creates the ids of a new span in the trace that the headers of a message name. Returns undefined
 * if they name no trace, or if the trace is not sampled.
 */
export function joinTrace(carrier: MsgHdrs | undefined): TracePart | undefined {
  const from = readTrace(carrier)
  return from && isSampled(from)
    ? { trace: from.traceId, id: newId(8), parent: from.spanId }
    : undefined
}

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

/** Runs a function in the trace's context, so that libraries can add their spans to the trace. */
export function withTrace<T>(traced: Trace | undefined, run: () => T): T {
  return traced?.span ? context.with(traced.context, run) : run()
}

export function propagationHeaders(traced: Trace | undefined): MsgHdrs | undefined {
  if (!traced) return undefined
  const carrier = headers()
  propagator.inject(traced.context, carrier, { set: (hdrs, key, value) => hdrs.set(key, value) })
  return carrier
}

export function traceId(traced: Trace | undefined): string | undefined {
  return traced && trace.getSpanContext(traced.context)?.traceId
}

/** Returns a random id: of 16 bytes for a trace, of 8 bytes for a span. */
export function newId(bytes: number): string {
  return randomBytes(bytes).toString('hex')
}

/** Caches the result for one second, because each call needs it. */
function tracerProviderIsSet() {
  const now = performance.now()
  if (now < cachedProvider.until) return cachedProvider.isSet
  const provider = trace.getTracerProvider()
  const isSet =
    !(provider instanceof ProxyTracerProvider) || provider.getDelegateTracer('natter') !== undefined
  cachedProvider = { isSet, until: now + 1_000 }
  return isSet
}

let cachedProvider = { isSet: false, until: 0 }

const fromHeaders = {
  get: (carrier: MsgHdrs | undefined, key: string) => carrier?.get(key) || undefined,
  keys: (carrier: MsgHdrs | undefined) => carrier?.keys() ?? [],
}
