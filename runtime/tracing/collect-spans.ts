import type { NatsConnection } from '@nats-io/nats-core'
import type { CollectedSpan, Span, SpanQuery } from '../api/system.ts'
import { gather } from '../nats/gather.ts'
import type { SpanStore } from './span-store.ts'

const subject = 'runtime.spans'
/** A reply with this many spans is well below the server's maximum payload. */
const maxSpans = 1_500

export function serveSpans(nc: NatsConnection, store: SpanStore, process: string): AsyncDisposable {
  const subscription = nc.subscribe(subject, {
    callback(error, message) {
      if (error || !message.reply) return
      // Failed and newest spans come first.
      const spans = store.find(readQuery(message.string())).slice(0, maxSpans)
      message.respond(JSON.stringify({ process, spans }))
    },
  })
  return { [Symbol.asyncDispose]: () => subscription.drain() }
}

export async function collectSpans(nc: NatsConnection, query: SpanQuery): Promise<CollectedSpan[]> {
  const replies = await gather(nc, subject, JSON.stringify(query))
  return replies.flatMap((reply) => {
    const { process, spans } = reply.json<{ process: string; spans: Span[] }>()
    return spans.map((span) => ({ ...span, process }))
  })
}

function readQuery(text: string): SpanQuery {
  try {
    return JSON.parse(text) as SpanQuery
  } catch {
    return {}
  }
}
