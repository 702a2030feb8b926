import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { headers, type NatsConnection } from '@nats-io/nats-core'
import { CHAT_MESSAGES } from '#schema/streams'

/**
 * Writes the dead letter that results when `persist` fails on the event `seq`. Returns the sequence
 * number of the dead letter.
 */
export async function writeDeadLetter(
  nc: NatsConnection,
  seq: number,
  reason: string,
  payload?: string,
): Promise<number> {
  const jsm = await jetstreamManager(nc)
  const stored = await jsm.streams.getMessage('CHAT_MESSAGES', { seq })
  if (!stored) throw new Error(`${CHAT_MESSAGES.stream} has no message ${seq}`)
  const hdrs = headers()
  hdrs.set('Natter-Reason', reason)
  hdrs.set('Natter-Stream', 'CHAT_MESSAGES')
  hdrs.set('Natter-Subject', stored.subject)
  hdrs.set('Natter-Sequence', String(seq))
  hdrs.set('Natter-Deliveries', '5')
  const ack = await jetstream(nc).publish('dead.persist', payload ?? stored.data, { headers: hdrs })
  return ack.seq
}
