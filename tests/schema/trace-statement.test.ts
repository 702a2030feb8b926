import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { eq, sql } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { db, migrate } from '#schema/db'
import { users } from '#schema/tables/user'
import { ActiveContext } from '../../runtime/tracing/active-context.ts'
import { useDatabase } from '../support/database-fixture.ts'
import type { DatabaseKind } from '../support/servers.ts'

const exporter = new InMemorySpanExporter()
const secret = 'a-value-that-stays-here'

beforeAll(() => {
  const spanProcessors = [new SimpleSpanProcessor(exporter)]
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors }))
  context.setGlobalContextManager(new ActiveContext())
})
afterAll(() => {
  context.disable()
  trace.disable()
})
beforeEach(() => exporter.reset())

async function inSpan(work: () => Promise<unknown>) {
  const span = trace.getTracer('test').startSpan('handler')
  // A query of Drizzle runs when it is awaited, so an async function awaits it inside the context.
  await context.with(trace.setSpan(context.active(), span), async () => await work())
  return span.spanContext()
}

const summaries = () => exporter.getFinishedSpans().map(({ name }) => name)

describe.each<DatabaseKind>(['postgres', 'pglite'])('a statement on %s', (kind) => {
  useDatabase(kind)
  beforeAll(() => migrate())

  it('has a child span of the active span, with the text of the statement and without its values', async () => {
    const { spanId, traceId } = await inSpan(async () => {
      const found = await db.select().from(users).where(eq(users.name, secret))
      expect(found).toEqual([])
    })

    const [span, ...others] = exporter.getFinishedSpans()
    expect(others).toEqual([])
    expect(span).toMatchObject({
      name: 'SELECT users',
      kind: SpanKind.CLIENT,
      parentSpanContext: { spanId, traceId },
      attributes: {
        'db.system.name': 'postgresql',
        'db.query.text': expect.stringMatching(
          /^select .+ from "users" where "users"."name" = \$1$/,
        ),
      },
    })
    expect(JSON.stringify(span?.attributes)).not.toContain(secret)
  })

  it('has a span in a transaction, whose start and end have spans as well', async () => {
    await inSpan(() =>
      db.transaction(async (tx) => {
        await tx.execute(sql`select ${secret}::text from users`)
      }),
    )
    expect(summaries()).toEqual(['BEGIN', 'SELECT users', 'COMMIT'])

    exporter.reset()
    const failed = inSpan(() =>
      db.transaction(async () => {
        throw new Error('changed my mind')
      }),
    )
    await expect(failed).rejects.toThrow('changed my mind')
    expect(summaries()).toEqual(['BEGIN', 'ROLLBACK'])
  })

  it('has a span with the code of its error, but without the message, which may contain a value', async () => {
    const failed = inSpan(() => db.execute(sql`select ${secret}::text::uuid`))
    await expect(failed).rejects.toThrow()

    const [span] = exporter.getFinishedSpans()
    expect(span).toMatchObject({
      name: 'SELECT',
      status: { code: SpanStatusCode.ERROR },
      attributes: { 'db.response.status_code': '22P02' },
    })
    const { attributes, events, status } = span ?? {}
    expect(JSON.stringify({ attributes, events, status })).not.toContain(secret)
  })

  it('has no span if there is no active span, or if the active span is not recorded', async () => {
    await db.execute(sql`select 1`)
    const notSampled = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 0 }
    await context.with(trace.setSpanContext(context.active(), notSampled), async () => {
      await db.execute(sql`select 1`)
    })

    expect(summaries()).toEqual([])
  })

  it('has a span of its own when a function runs several statements at the same time', async () => {
    const { spanId } = await inSpan(() =>
      Promise.all([1, 2, 3].map((count) => db.execute(sql`select ${count}::int`))),
    )

    const parents = exporter.getFinishedSpans().map((span) => span.parentSpanContext?.spanId)
    expect(parents).toEqual([spanId, spanId, spanId])
  })
})
