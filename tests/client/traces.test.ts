import { describe, expect, it } from 'vitest'
import {
  createClientFixture,
  createRoom,
  message,
  typeMessage,
  useFixture,
} from '../support/client-fixture.ts'
import { type ExportedSpan, spansOf, startReceiver } from '../support/otlp-receiver.ts'

const fixture = useFixture(async () => {
  await using made = new AsyncDisposableStack()
  const receiver = made.use(await startReceiver())
  const client = made.use(
    await createClientFixture({
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_BSP_SCHEDULE_DELAY: '200',
    }),
  )
  const owned = made.move()
  return { client, receiver, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}, {})

function readSpans() {
  const { resources } = spansOf(fixture.receiver.received)
  return resources.flatMap(({ resource, scopeSpans }) => {
    const { value } = resource.attributes.find(({ key }: { key: string }) => key === 'service.name')
    const spans: ExportedSpan[] = scopeSpans.flatMap(
      (scope: { spans: ExportedSpan[] }) => scope.spans,
    )
    return spans.map((span) => ({ ...span, service: value.stringValue }))
  })
}

describe('the trace of a message', { timeout: 120_000 }, () => {
  it('begins in the page, which sends its span over NATS, and ends in PostgreSQL', async () => {
    const { page, problems } = await fixture.client.open('alice')
    await createRoom(page, 'private')
    await typeMessage(page, 'from here to the table')
    await message(page, 'from here to the table').waitFor()

    const isOfPage = ({ service }: { service: string }) => service === 'natter-web'
    await expect.poll(() => readSpans().filter(isOfPage), { timeout: 60_000 }).toHaveLength(1)
    const spans = readSpans()
    const [root] = spans.filter(isOfPage)
    const trace = spans.filter(({ traceId }) => traceId === root?.traceId)
    expect(root).toMatchObject({ name: 'send', status: {} })
    expect(root?.parentSpanId || undefined).toBeUndefined()
    const [send] = trace.filter(({ parentSpanId }) => parentSpanId === root?.spanId)
    expect(send).toMatchObject({ name: 'send', service: expect.not.stringMatching('natter-web') })

    const byId = new Map(trace.map((span) => [span.spanId, span]))
    const pathOf = (span: ExportedSpan | undefined): string[] =>
      span ? [...pathOf(byId.get(span.parentSpanId ?? '')), span.name] : []
    const paths = trace.map((span) => pathOf(span).join(' > '))
    expect(paths).toContain('send > send > persist > INSERT messages')
    expect(problems).toEqual([])
  })
})
