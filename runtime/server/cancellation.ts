import { type NatsConnection, nuid } from '@nats-io/nats-core'
import { cancelSubject, inbox, replySubject } from '../api/contract.ts'
import { SlotPool } from '../client/slot-pool.ts'
import type { Dispatcher } from './dispatcher.ts'
import type { TrafficGuard } from './traffic-guard.ts'

/**
 * The TrafficGuard counts a cancellation as this many bytes of the caller's traffic, because a
 * cancellation makes the process search its running calls.
 */
const countedBytes = 1_024

/**
 * Cancels the calls that their callers abort. Only the calls of the user in the subject are
 * searched, so no user can cancel the call of another.
 */
export function serveCancellation(
  nc: NatsConnection,
  guard: TrafficGuard,
  dispatchers: () => Iterable<Dispatcher>,
): void {
  const cancel = (caller: string, reply: string) => {
    for (const dispatcher of dispatchers()) if (dispatcher.cancel(caller, reply)) return
  }
  nc.subscribe(cancelSubject('>', '*'), {
    callback: (error, message) => {
      if (error) return
      const [, caller = '', , ...token] = message.subject.split('.')
      guard.count(caller, countedBytes)
      cancel(caller, replySubject(caller, token.join('.')))
    },
  })
  nc.subscribe(cancelSubject('>'), {
    callback: (error, message) => {
      if (!error) cancel('', `${inbox}${message.subject.slice(message.subject.indexOf('.'))}`)
    },
  })
}

/**
 * Detects that a streamed answer has no receiver any more, because the client has closed or
 * crashed.
 */
export class Audience {
  readonly #prefix = `${inbox}.${nuid.next()}.`
  readonly #listeners = new SlotPool<{ onGone: () => void; token: string }>()
  #count = 0

  constructor(nc: NatsConnection) {
    nc.subscribe(`${this.#prefix}*`, {
      callback: (error, message) => {
        if (error || message.headers?.code !== 503) return
        const token = message.subject.slice(this.#prefix.length)
        const listener = this.#listeners.get(Number(token.slice(token.indexOf('-') + 1)))
        if (listener?.token === token) listener.onGone()
      },
    })
  }

  /**
   * Returns a reply subject for the parts of an answer. `onGone` is called when the server reports that a
   * part had no receiver. Call `leave` after the last part.
   */
  watch(onGone: () => void): { replySubject: string; leave: () => void } {
    const listener = { onGone, token: '' }
    const slot = this.#listeners.add(listener)
    listener.token = `${(this.#count++).toString(36)}-${slot}`
    return {
      replySubject: this.#prefix + listener.token,
      leave: () => this.#listeners.delete(slot),
    }
  }
}
