import type { MsgHdrs } from '@nats-io/nats-core'
import type { MsgHdrsImpl } from '@nats-io/nats-core/internal'

const encoder = new TextEncoder()

/**
 * Headers that are only sent. Publishing asks headers for their bytes alone, and to build a MsgHdrs
 * costs as much as to write all the rest of a small message. Throws a TypeError for a line break in a
 * value, which would be the next header.
 */
export function writeHeaders(values: Readonly<Record<string, string>>): MsgHdrs {
  let text = 'NATS/1.0\r\n'
  for (const name in values) {
    const value = values[name] ?? ''
    if (/[\r\n]/.test(value)) throw new TypeError(`The header ${name} would have a line break`)
    text += `${name}: ${value}\r\n`
  }
  const bytes = encoder.encode(`${text}\r\n`)
  return { encode: () => bytes } as Partial<MsgHdrsImpl> as MsgHdrsImpl
}
