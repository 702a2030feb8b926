import type { NatsConnection } from '@nats-io/nats-core'
import type { CollectedSpan, Span, SpanQuery } from '../api/system.ts'
import { gather } from '../nats/gather.ts'
import type { SpanStore } from './span-store.ts'

/** Where every process answers what it remembers of traces. */
const subject = 'runtime.spans'
/** What fits into one answer, with room to spare. */
const maxSpans = 1_500

/** Answers what this process remembers, whoever of the functions' account asks. */
export function serveSpans(nc: NatsConnection, store: SpanStore, process: string): AsyncDisposable {
  const subscription = nc.subscribe(subject, {
    callback(error, message) {
      if (error || !message.reply) return
      const spans = store.find(readQuery(message.string())).slice(-maxSpans)
      message.respond(JSON.stringify({ process, spans }))
    },
  })
  return { [Symbol.asyncDispose]: () => subscription.drain() }
}

/** What all processes remember. */
export async function collectSpans(nc: NatsConnection, query: SpanQuery): Promise<CollectedSpan[]> {
  const answers = await gather(nc, subject, JSON.stringify(query))
  return answers.flatMap((answer) => {
    const { process, spans } = answer.json<{ process: string; spans: Span[] }>()
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
