import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Span } from '../../runtime/api/system.ts'
import { collectSpans, serveSpans } from '../../runtime/tracing/collect-spans.ts'
import { SpanStore } from '../../runtime/tracing/span-store.ts'
import { type PlainNats, startPlainNats } from '../support/plain-nats.ts'

const count = 1_600

let dir: string
let nats: PlainNats
let nc: NatsConnection

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'natter-spans-'))
  nats = await startPlainNats(dir)
  nc = await connect({ servers: nats.url })
})
afterAll(async () => {
  await nc?.close()
  await nats?.[Symbol.asyncDispose]()
  await rm(dir, { recursive: true, force: true })
})

const spanAt = (at: number, code?: Span['code']): Span => ({
  trace: 'trace',
  id: String(at),
  parent: undefined,
  name: 'greet',
  kind: 'request',
  version: '1.0.0',
  at,
  ms: 1,
  code,
  caller: 'alice',
})

describe('collectSpans, with more spans in a process than a reply can have,', () => {
  it.each([
    ['newest', { limit: count }],
    ['failed', { traces: ['trace'] }],
  ])('returns the %s spans', async (_kind, query) => {
    const store = new SpanStore()
    store.add(spanAt(0, 'internal'))
    for (let at = 1; at <= count; at++) store.add(spanAt(at))
    await using _ = serveSpans(nc, store, 'process')

    const spans = await collectSpans(nc, query)

    expect(spans).toHaveLength(1_500)
    const first = 'limit' in query ? String(count) : '0'
    expect(spans.map(({ id }) => id)).toContain(first)
  })
})
