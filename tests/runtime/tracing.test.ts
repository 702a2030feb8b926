import { AsyncLocalStorage } from 'node:async_hooks'
import { headers, type MsgHdrs } from '@nats-io/nats-core'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { type Context, context, ROOT_CONTEXT, SpanStatusCode, trace } from '@opentelemetry/api'
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
import type { ProcessService } from '../../stack/services/service.ts'
import { type CommandLine, createCommandLine } from '../support/command-line.ts'
import { inner, outer } from '../support/trace-contracts.ts'

const functions = {
  'outer.ts': `
import { defineFunction } from '#runtime'
import { inner, kept, keepsakes, outer, told } from '../../tests/support/trace-contracts.ts'

export default defineFunction(
  outer,
  async ({ id, ends }, { append, call, log, publish }) => {
    log.info('asked')
    publish(told, { id })
    await append(kept, { id })
    return call(inner, { id, ends })
  },
  { resources: [keepsakes] },
)
`,
  'inner.ts': `
import { trace } from '@opentelemetry/api'
import { defineFunction, FunctionError } from '#runtime'
import { inner } from '../../tests/support/trace-contracts.ts'

export default defineFunction(inner, async ({ id, ends }) => {
  if (ends === 'refused') throw new FunctionError('conflict', id + ' is there already')
  if (ends === 'thrown') throw new Error('A fault')
  return { active: trace.getActiveSpan()?.spanContext().spanId ?? '' }
})
`,
  'hears.ts': `
import { defineFunction, event } from '#runtime'
import { heard, told } from '../../tests/support/trace-contracts.ts'

export default defineFunction(event(told), ({ id }, { publish }) => publish(heard, { id }))
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

/** Asks as somebody who is part of a trace, whatever they say of it. */
async function ask(subject: string, said: Record<string, string>, payload = '') {
  const hdrs = headers()
  for (const [key, value] of Object.entries(said)) hdrs.set(key, value)
  return nc.request(subject, payload, { headers: hdrs, timeout: 5_000 })
}

describe('a trace, where nobody records', () => {
  let runtime: ProcessService

  beforeAll(async () => {
    runtime = await bench.start(folder)
  })
  afterAll(() => runtime?.stop())

  /** The headers of all that a call of `outer` makes happen, by the subject's first word. */
  async function headersAfter(said: Record<string, string>) {
    const found: Record<string, MsgHdrs | undefined> = {}
    const words = ['told', 'kept', 'inner', 'heard']
    const all = words.map(async (word) => {
      for await (const message of nc.subscribe(`${word}.a`, { max: 1 }))
        found[word] = message.headers
    })
    await nc.flush()
    const answer = await ask('outer.a', said)
    expect(answer.json()).toEqual({ active: '' })
    await Promise.all(all)
    return words.map((word) => found[word])
  }

  it('goes on to what a function asks, tells and keeps, and to whom that makes tell', async () => {
    for (const hdrs of await headersAfter({ traceparent, tracestate: 'shop=7' })) {
      expect(hdrs?.get('traceparent')).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`))
      expect(hdrs?.get('traceparent')).not.toContain(spanId)
      expect(hdrs?.get('tracestate')).toBe('shop=7')
    }
  })

  it('goes on as it came where whoever began it wants nothing kept', async () => {
    const unsampled = `00-${traceId}-${spanId}-00`
    for (const hdrs of await headersAfter({ traceparent: unsampled }))
      expect(hdrs?.get('traceparent')).toBe(unsampled)
  })

  it('is remembered by who was part of it, step by step, with what was stored', async () => {
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
    expect(byName.hears).toMatchObject({ parent: byName.outer?.id, kind: 'event' })
    expect(byName['kept.{id}']).toMatchObject({ parent: byName.outer?.id, kind: 'append' })
  })

  it('is kept of a call that failed, though it belonged to none', async () => {
    await ask('inner.a', {}, JSON.stringify({ ends: 'thrown' }))

    const reply = await nc.request('runtime.spans', JSON.stringify({ only: 'failed' }))
    expect(reply.json<{ spans: Span[] }>().spans).toMatchObject([
      { name: 'inner', code: 'internal' },
    ])
  })

  it('is in the log of whoever is part of it', async () => {
    const from = runtime.log.end()
    await ask('outer.a', { traceparent })

    const line = await runtime.log.line(/"msg":"asked"/, { from })
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
  ])('of a broken traceparent is none, and harms nothing: %.40s', async (broken) => {
    for (const hdrs of await headersAfter({ traceparent: broken, tracestate: '=,=,' }))
      expect(hdrs?.keys() ?? []).not.toContain('traceparent')
  })
})

describe('a trace, where somebody records', () => {
  const exporter = new InMemorySpanExporter()
  let runtime: Runtime

  beforeAll(async () => {
    const provider = new BasicTracerProvider({
      spanProcessors: [new SimpleSpanProcessor(exporter)],
    })
    trace.setGlobalTracerProvider(provider)
    context.setGlobalContextManager(createContextManager())
    const config = readRuntimeConfig({ NATS_URL: bench.nats.urlOf('functions') })
    runtime = await startRuntime({ folder, config, log: pino({ level: 'silent' }) })
  })
  afterAll(async () => {
    await runtime?.stop()
    context.disable()
    trace.disable()
  })
  beforeEach(() => exporter.reset())

  /** What has been recorded by a name; a span is there before its answer is. */
  const spanOf = (name: string) => {
    const found = exporter.getFinishedSpans().filter((span) => span.name === name)
    expect(found).toHaveLength(1)
    return found[0] as ReadableSpan
  }

  it('begins with a call that belongs to none', async () => {
    await client.call('inner', { id: 'a' })

    const span = spanOf('inner')
    expect(span.parentSpanContext).toBeUndefined()
    expect(span.status.code).toBe(SpanStatusCode.UNSET)
  })

  it('has a span for each function, each the child of who asked', async () => {
    await ask('outer.a', { traceparent })

    const [asked, next] = [spanOf('outer'), spanOf('inner')]
    expect(asked.parentSpanContext).toMatchObject({ traceId, spanId, isRemote: true })
    expect(next.parentSpanContext?.spanId).toBe(asked.spanContext().spanId)
    expect(next.spanContext().traceId).toBe(traceId)
  })

  it('goes on from the headers that a client is made with', async () => {
    const hdrs = headers()
    hdrs.set('traceparent', traceparent)
    const traced = createClient(nc, { contracts, headers: () => hdrs })

    await traced.call('inner', { id: 'a' })

    expect(spanOf('inner').parentSpanContext).toMatchObject({ traceId, spanId, isRemote: true })
    traced.close()
  })

  it('has a span for the function that hears what another tells', async () => {
    const heard = nc.subscribe('heard.a', { max: 1 })
    await nc.flush()
    await ask('outer.a', { traceparent })

    for await (const message of heard) {
      // Told while the function runs, so its span is what the message carries.
      const [, , teller] = message.headers?.get('traceparent').split('-') ?? []
      await expect.poll(() => spanOf('hears').spanContext().spanId).toBe(teller)
    }
    expect(spanOf('hears').parentSpanContext?.spanId).toBe(spanOf('outer').spanContext().spanId)
  })

  it('is what a library meets that a function uses', async () => {
    const { active } = await client.call('inner', { id: 'a' })
    expect(active).toBe(spanOf('inner').spanContext().spanId)
  })

  it('keeps the fault that a call ended with', async () => {
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
    { input: { id: 'a', ends: 'refused' }, code: 'conflict' },
    { input: { id: 'a', ends: 7 as never }, code: 'invalid' },
  ])('keeps that a call was refused as $code, which is no error', async ({ input, code }) => {
    expect(await client.try('inner', input)).toMatchObject({ error: { code } })

    const { status, events, attributes } = spanOf('inner')
    expect(status).toEqual({ code: SpanStatusCode.UNSET })
    expect(attributes).toEqual({ 'natter.code': code })
    expect(events).toEqual([])
  })
})

/** The least that OpenTelemetry calls a context manager: what is active follows what is awaited. */
function createContextManager() {
  const store = new AsyncLocalStorage<Context>()
  const manager: Parameters<typeof context.setGlobalContextManager>[0] = {
    active: () => store.getStore() ?? ROOT_CONTEXT,
    with: (active, run, thisArg, ...args) => store.run(active, () => run.apply(thisArg, args)),
    bind: (_, target) => target,
    enable: () => manager,
    disable: () => manager,
  }
  return manager
}
