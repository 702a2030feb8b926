import { headers } from '@nats-io/nats-core'
import { onTestFinished } from 'vitest'
import { createClient } from '#runtime/client'
import { contracts } from '#schema/contracts'
import type { PageSpan } from '#schema/messages/trace'
import type { App, TestPerson } from './app.ts'

/** Returns a new trace. Its header `traceparent` marks it as sampled. */
export function newTrace() {
  const id = crypto.randomUUID().replaceAll('-', '')
  return { id, traceparent: `00-${id}-${id.slice(0, 16)}-01` }
}

/** Returns the span of a call of `send`, as a page reports it. */
export function newSpan(): PageSpan {
  const { id } = newTrace()
  return { trace: id, id: id.slice(0, 16), name: 'send', at: new Date().toISOString(), ms: 12.5 }
}

export async function tracedClient(app: App, as: TestPerson, traceparent: string) {
  const { nc } = await app.connectAs(as)
  const hdrs = headers()
  hdrs.set('traceparent', traceparent)
  const client = createClient(nc, { contracts, user: as, headers: () => hdrs })
  onTestFinished(() => client.close())
  return client
}
