import type { NatsConnection } from '@nats-io/nats-core'
import { FunctionError } from '../api/errors.ts'
import { readAnswer } from '../client/client.ts'
import type { Requester } from '../client/requester.ts'
import {
  type DeadLetter,
  discardDeadLetter,
  findDeadLetter,
  listDeadLetters,
} from '../jetstream/dead-letters.ts'
import { type CollectedSpan, collectSpans } from '../tracing/collect-spans.ts'
import type { SpanQuery } from '../tracing/span-store.ts'
import { discoverInstances } from './discovery.ts'
import { createServices, type Service } from './services.ts'

/** What is known of all processes together: for functions that operators ask. */
export interface System {
  /** Everything that answers on `$SRV` now. Takes as long as it takes to hear from all: 200 ms. */
  services(): Promise<Service[]>
  /** What all processes remember of traces, in no order. It is in memory alone, and bounded. */
  spans(query: SpanQuery): Promise<CollectedSpan[]>
  /** What functions could not handle, oldest first. */
  deadLetters(page: {
    after: number
    limit: number
  }): Promise<{ letters: DeadLetter[]; total: number; hasMore: boolean }>
  /**
   * Has the function that could not handle a dead letter try again, with the message as it was, its
   * sequence included; it is removed when that has worked. False when it was not there. Throws
   * `conflict` with the reason when it fails again.
   */
  replay(seq: number): Promise<boolean>
  /** Removes a dead letter for good. False when it was not there. */
  discard(seq: number): Promise<boolean>
}

/** A replay calls a stream handler, which may run for a minute. */
const replayMs = 60_000

export function createSystem(nc: NatsConnection, requester: Requester): System {
  return {
    services: createServices(nc),
    spans: (query) => collectSpans(nc, query),
    deadLetters: (page) => listDeadLetters(requester, page),
    discard: (seq) => discardDeadLetter(requester, seq),
    replay: (seq) => replayDeadLetter(nc, requester, seq),
  }
}

/** See {@link System.replay}. */
export async function replayDeadLetter(
  nc: NatsConnection,
  requester: Requester,
  seq: number,
): Promise<boolean> {
  const found = await findDeadLetter(requester, seq)
  if (!found) return false
  const { service } = found.letter
  const { valid } = await discoverInstances(nc, 'INFO', service)
  const name = valid.find(({ metadata }) => metadata?.function)?.metadata?.function
  if (!name) throw new FunctionError('unavailable', `Nobody serves ${service} now`)
  const options = { timeoutMs: replayMs }
  const reply = await requester.request(`fn.${name}`, JSON.stringify({ replay: seq }), options)
  const { replayed } = readAnswer(reply) as { replayed: boolean }
  return replayed
}
