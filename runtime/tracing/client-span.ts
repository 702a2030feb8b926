import { type SpanContext, SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api'
import { millisToHrTime } from '@opentelemetry/core'
import type { Resource } from '@opentelemetry/resources'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { errorStatus, isErrorCode } from '../api/errors.ts'
import type { ClientSpan } from '../api/system.ts'

/**
 * Builds the span without the SDK, which can only create spans with new ids. A client's span
 * already has ids.
 */
export function toReadableSpan(span: ClientSpan, resource: Resource): ReadableSpan {
  const { trace, id, name, at, ms, code } = span
  const spanContext: SpanContext = {
    traceId: trace,
    spanId: id,
    traceFlags: TraceFlags.SAMPLED,
  }
  const hasFailed = isErrorCode(code) && errorStatus[code] >= 500
  return {
    name,
    kind: SpanKind.CLIENT,
    spanContext: () => spanContext,
    startTime: millisToHrTime(at),
    endTime: millisToHrTime(at + ms),
    duration: millisToHrTime(ms),
    ended: true,
    status: { code: hasFailed ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
    attributes: code === undefined ? {} : { 'natter.code': code },
    links: [],
    events: [],
    resource,
    instrumentationScope: { name: 'natter.client' },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  }
}
