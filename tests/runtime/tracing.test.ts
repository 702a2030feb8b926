import { headers, type MsgHdrs } from '@nats-io/nats-core'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { context, SpanStatusCode, trace } from '@opentelemetry/api'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { pino } from 'pino'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Client, createClient } from '#runtime/client'
import type { Span } from '../../runtime/api/system.ts'
import { readRuntimeConfig } from '../../runtime/server/config.ts'
import { type Runtime, startRuntime } from '../../runtime/server/run.ts'
import { ActiveContext } from '../../runtime/tracing/active-context.ts'
import type { ProcessService } from '../../stack/services/service.ts'
import { type CommandLine, createCommandLine } from '../support/command-line.ts'
import { inner, outer } from '../support/trace-contracts.ts'

const functions = {
  'outer.ts': `
import { defineFunction } from '#runtime'
import { appended, appendedStream, inner, outer, published } from '../../tests/support/trace-contracts.ts'

export default defineFunction(
  outer,
  async ({ id, ends }, { append, call, log, publish }) => {
    log.info('handled')
    publish(published, { id })
    await append(appended, { id })
    return call(inner, { id, ends })
  },
  { resources: [appendedStream] },
)
`,
  'inner.ts': `
import { trace } from '@opentelemetry/api'
import { defineFunction, FunctionError } from '#runtime'
import { inner } from '../../tests/support/trace-contracts.ts'

export default defineFunction(inner, async ({ id, ends }) => {
  if (ends === 'rejected') throw new FunctionError('conflict', id + ' is there already')
  if (ends === 'thrown') throw new Error('A fault')
  return { active: trace.getActiveSpan()?.spanContext().spanId ?? '' }
})
`,
  'listen.ts': `
import { defineFunction, event } from '#runtime'
import { published, reacted } from '../../tests/support/trace-contracts.ts'

export default defineFunction(event(published), ({ id }, { publish }) => publish(reacted, { id }))
`,
}
const contracts = { outer, inner }

const traceId = '0af7651916cd43dd8448eb211c80319c'
const spanId = 'b7ad6b7169203331'
const traceparent = `00-${traceId}-${spanId}-01`

let bench: CommandLine
let folder: string
let nc: NatsConnection
let client: Client<typeof contracts>

beforeAll(async () => {
  bench = await createCommandLine()
  folder = await bench.write(functions)
  const { username, password, host } = new URL(bench.nats.urlOf('functions'))
  nc = await connect({ servers: host, user: username, pass: password })
  client = createClient(nc, { contracts })
})
afterAll(async () => {
  await nc?.close()
  await bench?.[Symbol.asyncDispose]()
})

async function request(subject: string, traceHeaders: Record<string, string>, payload = '') {
  const hdrs = headers()
  for (const [key, value] of Object.entries(traceHeaders)) hdrs.set(key, value)
  return nc.request(subject, payload, { headers: hdrs, timeout: 5_000 })
}

describe('a trace without a tracer provider', () => {
  let runtime: ProcessService

  beforeAll(async () => {
    runtime = await bench.start(folder)
  })
  afterAll(() => runtime?.stop())

  async function headersAfter(traceHeaders: Record<string, string>) {
    const received: Record<string, MsgHdrs | undefined> = {}
    const words = ['published', 'appended', 'inner', 'reacted']
    const all = words.map(async (word) => {
      for await (const message of nc.subscribe(`${word}.a`, { max: 1 }))
        received[word] = message.headers
    })
    await nc.flush()
    const answer = await request('outer.a', traceHeaders)
    expect(answer.json()).toEqual({ active: '' })
    await Promise.all(all)
    return words.map((word) => received[word])
  }

  it('propagates to the calls, events and appends of a function, and to the events of a second function that receives its event', async () => {
    for (const hdrs of await headersAfter({ traceparent, tracestate: 'shop=7' })) {
      expect(hdrs?.get('traceparent')).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`))
      expect(hdrs?.get('traceparent')).not.toContain(spanId)
      expect(hdrs?.get('tracestate')).toBe('shop=7')
    }
  })

  it('propagates unchanged if it is not sampled', async () => {
    const unsampled = `00-${traceId}-${spanId}-00`
    for (const hdrs of await headersAfter({ traceparent: unsampled }))
      expect(hdrs?.get('traceparent')).toBe(unsampled)
  })

  it('is stored with a span for each call, event and append', async () => {
    const trace = crypto.randomUUID().replaceAll('-', '')
    await headersAfter({ traceparent: `00-${trace}-${spanId}-01` })

    const spans = async () => {
      const reply = await nc.request('runtime.spans', JSON.stringify({ traces: [trace] }))
      return reply.json<{ spans: Span[] }>().spans
    }
    await expect.poll(async () => (await spans()).length).toBe(4)
    const byName = Object.fromEntries((await spans()).map((span) => [span.name, span]))
    expect(byName.outer).toMatchObject({ parent: spanId, kind: 'request', version: '1.0.0' })
    expect(byName.inner).toMatchObject({ parent: byName.outer?.id })
    expect(byName.listen).toMatchObject({ parent: byName.outer?.id, kind: 'event' })
    expect(byName['appended.{id}']).toMatchObject({ parent: byName.outer?.id, kind: 'append' })
  })

  it('is created and stored for a failed call without trace headers', async () => {
    await request('inner.a', {}, JSON.stringify({ ends: 'thrown' }))

    const reply = await nc.request('runtime.spans', JSON.stringify({ only: 'failed' }))
    expect(reply.json<{ spans: Span[] }>().spans).toMatchObject([
      { name: 'inner', code: 'internal' },
    ])
  })

  it('adds its id to the log lines of each function that it reaches', async () => {
    const from = runtime.log.end()
    await request('outer.a', { traceparent })

    const line = await runtime.log.line(/"msg":"handled"/, { from })
    expect(JSON.parse(line)).toMatchObject({ function: 'outer', trace: traceId })
  })

  it.each([
    '',
    'nonsense',
    `${traceparent}-more`,
    `ff-${traceId}-${spanId}-01`,
    `00-${'0'.repeat(32)}-${spanId}-01`,
    `00-${traceId}-${'0'.repeat(16)}-01`,
    `00-${traceId}`,
    `00-${'a'.repeat(100_000)}-${spanId}-01`,
  ])('is ignored if its traceparent is malformed: %.40s', async (broken) => {
    for (const hdrs of await headersAfter({ traceparent: broken, tracestate: '=,=,' }))
      expect(hdrs?.keys() ?? []).not.toContain('traceparent')
  })
})

describe('a trace with a tracer provider', () => {
  const exporter = new InMemorySpanExporter()
  let runtime: Runtime

  beforeAll(async () => {
    const provider = new BasicTracerProvider({
      spanProcessors: [new SimpleSpanProcessor(exporter)],
    })
    trace.setGlobalTracerProvider(provider)
    context.setGlobalContextManager(new ActiveContext())
    const config = readRuntimeConfig({ NATS_URL: bench.nats.urlOf('functions') })
    runtime = await startRuntime({ folders: [folder], config, log: pino({ level: 'silent' }) })
  })
  afterAll(async () => {
    await runtime?.stop()
    context.disable()
    trace.disable()
  })
  beforeEach(() => exporter.reset())

  /**
   * Returns the only span with this name. The runtime records a span before it replies, so no wait
   * is needed.
   */
  const spanOf = (name: string) => {
    const spans = exporter.getFinishedSpans().filter((span) => span.name === name)
    expect(spans).toHaveLength(1)
    return spans[0] as ReadableSpan
  }

  it('begins with a call that has no trace headers', async () => {
    await client.call('inner', { id: 'a' })

    const span = spanOf('inner')
    expect(span.parentSpanContext).toBeUndefined()
    expect(span.status.code).toBe(SpanStatusCode.UNSET)
  })

  it('has a span for each function, as a child of the span of its caller', async () => {
    await request('outer.a', { traceparent })

    const [outerSpan, innerSpan] = [spanOf('outer'), spanOf('inner')]
    expect(outerSpan.parentSpanContext).toMatchObject({ traceId, spanId, isRemote: true })
    expect(innerSpan.parentSpanContext?.spanId).toBe(outerSpan.spanContext().spanId)
    expect(innerSpan.spanContext().traceId).toBe(traceId)
  })

  it('continues from the trace headers that a client sends', async () => {
    const hdrs = headers()
    hdrs.set('traceparent', traceparent)
    const traced = createClient(nc, { contracts, headers: () => hdrs })

    await traced.call('inner', { id: 'a' })

    expect(spanOf('inner').parentSpanContext).toMatchObject({ traceId, spanId, isRemote: true })
    traced.close()
  })

  it('has a span for a function that receives an event', async () => {
    const reactions = nc.subscribe('reacted.a', { max: 1 })
    await nc.flush()
    await request('outer.a', { traceparent })

    for await (const message of reactions) {
      const [, , publisher] = message.headers?.get('traceparent').split('-') ?? []
      await expect.poll(() => spanOf('listen').spanContext().spanId).toBe(publisher)
    }
    expect(spanOf('listen').parentSpanContext?.spanId).toBe(spanOf('outer').spanContext().spanId)
  })

  it('makes the span of the running function the active span, so that libraries can use it', async () => {
    const { active } = await client.call('inner', { id: 'a' })
    expect(active).toBe(spanOf('inner').spanContext().spanId)
  })

  it('records the unexpected error of a call as the status and an event of its span', async () => {
    const ended = await client.try('inner', { id: 'a', ends: 'thrown' })

    expect(ended).toMatchObject({ error: { code: 'internal' } })
    const { status, events, attributes } = spanOf('inner')
    expect(status).toEqual({ code: SpanStatusCode.ERROR, message: 'A fault' })
    expect(attributes).toEqual({ 'natter.code': 'internal' })
    expect(events).toMatchObject([
      { name: 'exception', attributes: { 'exception.message': 'A fault' } },
    ])
  })

  it.each([
    { input: { id: 'a', ends: 'rejected' }, code: 'conflict' },
    { input: { id: 'a', ends: 7 as never }, code: 'invalid' },
  ])(
    'records that a call was rejected with $code, but does not set the error status of its span',
    async ({ input, code }) => {
      expect(await client.try('inner', input)).toMatchObject({ error: { code } })

      const { status, events, attributes } = spanOf('inner')
      expect(status).toEqual({ code: SpanStatusCode.UNSET })
      expect(attributes).toEqual({ 'natter.code': code })
      expect(events).toEqual([])
    },
  )
})
