import { headers, type MsgHdrs } from '@nats-io/nats-core'

const tracedFunctions = new Set<PropertyKey>(['send', 'send.thread'])

export function createTraceHeaders(name: PropertyKey): MsgHdrs | undefined {
  if (!tracedFunctions.has(name)) return undefined
  const hdrs = headers()
  hdrs.set('traceparent', `00-${newId(16)}-${newId(8)}-01`)
  return hdrs
}

function newId(bytes: number): string {
  const values = crypto.getRandomValues(new Uint8Array(bytes))
  return [...values].map((value) => value.toString(16).padStart(2, '0')).join('')
}
