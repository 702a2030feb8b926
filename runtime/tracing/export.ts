import { hostname } from 'node:os'
import { setTimeout } from 'node:timers/promises'
import { context, DiagLogLevel, diag, trace } from '@opentelemetry/api'
import type { Logger } from 'pino'
import type { ClientSpan } from '../api/system.ts'
import { ActiveContext } from './active-context.ts'
import { toReadableSpan } from './client-span.ts'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * OpenTelemetry's standard variables for the URL of the collector. The first one that is set is
 * used.
 */
const endpoints = ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'] as const
const stopMs = 2_000
const protocols = ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL'] as const

export interface SpanExport {
  /**
   * Exports spans of a client as spans of `service`, with the resource attributes from the
   * environment.
   */
  add(service: string, spans: readonly ClientSpan[]): void
  /** Exports the remaining spans. Gives up after two seconds, so that the process can end. */
  stop(): Promise<void>
}

/**
 * Exports the spans of this process over OTLP if a variable names an endpoint, and otherwise
 * returns undefined. The OpenTelemetry SDK itself reads the other standard variables, such as
 * OTEL_TRACES_SAMPLER and OTEL_EXPORTER_OTLP_HEADERS. Throws an Error if the endpoint or the
 * protocol is invalid.
 */
export async function exportSpans(
  env: Environment,
  name: string,
  log: Logger,
): Promise<SpanExport | undefined> {
  const endpoint = endpoints.find((variable) => env[variable])
  if (!endpoint || env.OTEL_SDK_DISABLED === 'true' || env.OTEL_TRACES_EXPORTER === 'none')
    return undefined
  if (!/^https?:\/\/[^/]/.test(env[endpoint] ?? '') || !URL.canParse(env[endpoint] ?? ''))
    throw new Error(`${endpoint} is "${env[endpoint]}": use a URL, such as http://localhost:4318`)

  // These packages are imported only here, because most processes export no spans.
  const { BasicTracerProvider, BatchSpanProcessor } = await import('@opentelemetry/sdk-trace-base')
  const { detectResources, envDetector, resourceFromAttributes } = await import(
    '@opentelemetry/resources'
  )
  const defaults = { 'service.name': name, 'service.instance.id': `${hostname()}:${process.pid}` }
  const resource = detectResources({ detectors: [envDetector] })
  const report = (message: string) => log.warn({ reason: message }, 'spans cannot be exported')
  const ignore = () => undefined
  diag.setLogger(
    { error: report, warn: report, info: ignore, debug: ignore, verbose: ignore },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  )
  const processor = new BatchSpanProcessor(await createExporter(env))
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes(defaults).merge(resource),
    spanProcessors: [processor],
  })
  trace.setGlobalTracerProvider(provider)
  context.setGlobalContextManager(new ActiveContext())
  return {
    add(service, spans) {
      const own = resource.merge(resourceFromAttributes({ 'service.name': service }))
      for (const span of spans) processor.onEnd(toReadableSpan(span, own))
    },
    stop: () => Promise.race([provider.shutdown(), setTimeout(stopMs, undefined, { ref: false })]),
  }
}

async function createExporter(env: Environment) {
  const variable = protocols.find((name) => env[name])
  const protocol = variable ? env[variable] : 'http/protobuf'
  if (protocol === 'http/protobuf') {
    const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-proto')
    return new OTLPTraceExporter()
  }
  if (protocol === 'http/json') {
    const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http')
    return new OTLPTraceExporter()
  }
  throw new Error(`${variable} is "${protocol}": use http/protobuf or http/json`)
}
