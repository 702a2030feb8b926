import type { NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createClient } from '#runtime/client'
import { freePort } from '../../stack/ports.ts'
import { type CommandLine, createCommandLine, runtime } from '../support/command-line.ts'
import { type Received, spansOf, startReceiver } from '../support/otlp-receiver.ts'
import { inner, outer } from '../support/trace-contracts.ts'

const functions = {
  'outer.ts': `
import { defineFunction } from '#runtime'
import { inner, outer, published } from '../../tests/support/trace-contracts.ts'

export default defineFunction(outer, ({ id }, { call, publish }) => {
  publish(published, { id })
  return call(inner, { id })
})
`,
  'inner.ts': `
import { defineFunction } from '#runtime'
import { inner } from '../../tests/support/trace-contracts.ts'

export default defineFunction(inner, ({ id }) => {
  if (id === 'thrown') throw new Error('A fault')
  return { active: '' }
})
`,
  'listen.ts': `
import { defineFunction, event } from '#runtime'
import { published } from '../../tests/support/trace-contracts.ts'

export default defineFunction(event(published), () => undefined)
`,
}

let bench: CommandLine
let folder: string
let nc: NatsConnection

beforeAll(async () => {
  bench = await createCommandLine()
  folder = await bench.write(functions)
  nc = await bench.connect()
})
afterAll(async () => {
  await nc?.close()
  await bench?.[Symbol.asyncDispose]()
})

async function useReceiver() {
  const receiver = await startReceiver()
  onTestFinished(() => receiver[Symbol.asyncDispose]())
  return receiver
}

async function start(env: Record<string, string>) {
  const service = await bench.start(folder, [], env)
  onTestFinished(() => service.stop())
  const client = createClient(nc, { contracts: { inner, outer } })
  onTestFinished(() => client.close())
  return { service, client }
}

describe('spans', () => {
  it('are exported as JSON; the span of a call or an event is a child of the span that caused it', async () => {
    const { url, received } = await useReceiver()
    const { service, client } = await start({
      OTEL_EXPORTER_OTLP_ENDPOINT: url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20secret',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
    })

    await client.call('outer', { id: 'one' })
    await client.call('inner', { id: 'thrown' }).catch(() => undefined)
    // The last spans are exported when the process stops.
    await service.stop()

    const { resources, spans } = spansOf(received)
    const { path, headers } = received[0] ?? {}
    expect({ path, authorization: headers?.authorization }).toEqual({
      path: '/v1/traces',
      authorization: 'Bearer secret',
    })
    const root = spans.find(({ name }) => name === 'outer')
    const inTrace = spans.filter(({ traceId }) => traceId === root?.traceId)
    expect(inTrace.map(({ name }) => name).sort()).toEqual(['inner', 'listen', 'outer'])
    for (const { name, parentSpanId } of inTrace)
      expect(parentSpanId, name).toBe(name === 'outer' ? undefined : root?.spanId)
    expect(spans.filter(({ status }) => status.code === 2)).toMatchObject([
      { name: 'inner', status: { message: 'A fault' } },
    ])
    const attributes = JSON.stringify(resources[0].resource.attributes)
    for (const text of ['service.name', 'service.instance.id', 'deployment.environment.name'])
      expect(attributes).toContain(text)
  })

  it('are exported as protobuf if OTEL_EXPORTER_OTLP_PROTOCOL is not set', async () => {
    const { url, received } = await useReceiver()
    const { service, client } = await start({
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${url}/custom`,
      OTEL_BSP_SCHEDULE_DELAY: '100',
    })

    await client.call('inner', { id: 'two' })

    await expect.poll(() => received.length).toBeGreaterThan(0)
    const { path, headers, body } = received[0] as Received
    expect([path, headers['content-type']]).toEqual(['/custom', 'application/x-protobuf'])
    expect(body.toString('latin1')).toContain('inner')
    await service.stop()
  })

  it('delay neither calls nor the stop while the collector is down, and the log says why they cannot be exported', async () => {
    const { service, client } = await start({
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${await freePort()}`,
      OTEL_EXPORTER_OTLP_TIMEOUT: '500',
      OTEL_BSP_SCHEDULE_DELAY: '100',
    })

    for (let count = 0; count < 20; count++) await client.call('inner', { id: `${count}` })

    const line = await service.log.line(/spans cannot be exported/, { within: 15_000 })
    expect(line).toContain('ECONNREFUSED')
    await client.call('inner', { id: 'after' })
    await service.stop()
  })

  it.each([
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' }, 'use a URL, such as http://localhost:4318'],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://[::1', OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' },
      'use a URL, such as http://localhost:4318',
    ],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4317', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
      'OTEL_EXPORTER_OTLP_PROTOCOL is "grpc": use http/protobuf or http/json',
    ],
  ])(
    'are not exported with the invalid settings %o: the start fails, and the error says what to use',
    async (env, text) => {
      const settings = { ...env, NATS_URL: bench.nats.urlOf('functions') }
      const args = ['start', folder, '--no-supervisor']

      const { code, stderr } = await runtime(args, { env: settings })

      expect(code).toBe(1)
      expect(stderr).toContain(text)
    },
  )
})
