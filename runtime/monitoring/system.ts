import type { NatsConnection } from '@nats-io/nats-core'
import { FunctionError } from '../api/errors.ts'
import type { System } from '../api/system.ts'
import { readAnswer } from '../client/client.ts'
import type { Requester } from '../client/requester.ts'
import { discardDeadLetter, findDeadLetter, listDeadLetters } from '../jetstream/dead-letters.ts'
import { collectSpans } from '../tracing/collect-spans.ts'
import type { SpanExport } from '../tracing/export.ts'
import { listAllConnections, listServers } from './all-connections.ts'
import type { ConnectionLabels } from './connection-labels.ts'
import type { ClientConnections } from './connections.ts'
import { discoverInstances } from './discovery.ts'
import { createServices } from './services.ts'

/**
 * Maximum time for a function to handle a replayed message: the default timeout of a stream
 * handler.
 */
const replayMs = 60_000

interface SystemOptions {
  nc: NatsConnection
  requester: Requester
  connections: ClientConnections
  labels: ConnectionLabels
  spanExport: SpanExport | undefined
}

export function createSystem({
  nc,
  requester,
  connections,
  labels,
  spanExport,
}: SystemOptions): System {
  return {
    services: createServices(nc),
    exportSpans(service, spans) {
      spanExport?.add(service, spans)
      return spanExport !== undefined
    },
    spans: (query) => collectSpans(nc, query),
    deadLetters: (page) => listDeadLetters(requester, page),
    discard: (seq) => discardDeadLetter(requester, seq),
    replay: (seq) => replayDeadLetter(nc, requester, seq),
    connections: (user) => connections.list(user),
    connectionLabels: (user, listed) => labels.read(user, listed),
    servers: () => listServers(nc),
    allConnections: () => listAllConnections(nc),
    disconnect: (connection) => connections.close(connection),
  }
}

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
  if (!name) throw new FunctionError('unavailable', `No running process serves ${service}`)
  const options = { timeoutMs: replayMs }
  const reply = await requester.request(`fn.${name}`, JSON.stringify({ replay: seq }), options)
  const { replayed } = readAnswer(reply) as { replayed: boolean }
  return replayed
}
