import { errors, type Msg, type NatsConnection } from '@nats-io/nats-core'

const quietMs = 150
const maxWaitMs = 1_000

/**
 * Publishes a request and returns all replies that arrive within `waitMs`. If `waitMs` is undefined,
 * waits until no reply has arrived for 150 ms, but for at most one second.
 */
export async function gather(
  nc: NatsConnection,
  subject: string,
  payload: string,
  waitMs?: number,
): Promise<Msg[]> {
  const messages: Msg[] = []
  const until = performance.now() + (waitMs ?? maxWaitMs)
  try {
    const replies = await nc.requestMany(
      subject,
      payload,
      waitMs === undefined
        ? { strategy: 'stall', stall: quietMs, maxWait: maxWaitMs }
        : { strategy: 'timer', maxWait: waitMs },
    )
    for await (const reply of replies) {
      messages.push(reply)
      if (performance.now() >= until) break
    }
  } catch (error) {
    if (error instanceof errors.NoRespondersError) return messages
    throw error
  }
  return messages
}
