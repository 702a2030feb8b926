import type { MsgHdrs } from '@nats-io/nats-core'
import type { MsgHdrsImpl } from '@nats-io/nats-core/internal'

const encoder = new TextEncoder()

/**
 * Returns headers that can only be published: no code can read or change their values. Real MsgHdrs
 * are not used, because building them costs as much as encoding a small message. Throws a TypeError
 * for a value with a line break, because the text after it would become another header.
 */
export function writeHeaders(values: Readonly<Record<string, string>>): MsgHdrs {
  let text = 'NATS/1.0\r\n'
  for (const name in values) {
    const value = values[name] ?? ''
    if (/[\r\n]/.test(value))
      throw new TypeError(`The value of the header ${name} contains a line break`)
    text += `${name}: ${value}\r\n`
  }
  const bytes = encoder.encode(`${text}\r\n`)
  return { encode: () => bytes } as Partial<MsgHdrsImpl> as MsgHdrsImpl
}
