import { setTimeout as sleep } from 'node:timers/promises'
import type { NatsConnection } from '@nats-io/nats-core'
import { NatsConnectionImpl } from '@nats-io/nats-core/internal'

const maxReconnectMs = 5_000

/**
 * Matches inboxes without a wildcard: on these, nats.js receives the messages of consumers. The
 * inbox for replies ends in `*`, so it does not match.
 */
const consumerInbox = /^_INBOX\.[^*]+$/

/**
 * Leaves the queue groups of the connection and stops its consumers, until the connection
 * reconnects or the returned function is called. Messages that the server has already sent may
 * still be under way: flush the connection after this call to wait for them.
 */
export function pauseDeliveries(nc: NatsConnection): () => void {
  const { protocol } = requireImplementation(nc)
  // The subscriptions stay in the list of nats.js, which subscribes to them again after a
  // reconnect.
  for (const subscription of protocol.subscriptions.all())
    if (subscription.queue || consumerInbox.test(subscription.getSubject()))
      protocol.unsub(subscription)
  return () => {
    // Subscribes again to all subjects. The server ignores the subscriptions that it still has.
    if (protocol.connected) protocol.sendSubscriptions()
  }
}

/**
 * Reconnects to `server`, or to another one if it is unavailable. Resolves when the server has received
 * all subscriptions, after 5 s at most.
 */
export async function moveConnection(nc: NatsConnection, server: string): Promise<void> {
  const servers = nc.getServers().map(({ listen }) => listen)
  // nats.js tries `server` next, because the first `setServers` removes all other servers, even the
  // current one. The second `setServers` adds them again, and `server` stays the next one.
  nc.setServers([server])
  nc.setServers(servers)
  const moved = untilReconnected(nc)
  await nc.reconnect()
  await Promise.race([moved, sleep(maxReconnectMs, undefined, { ref: false })])
}

async function untilReconnected(nc: NatsConnection) {
  for await (const { type } of nc.status()) if (type === 'reconnect') break
  await nc.flush().catch(() => undefined)
}

function requireImplementation(nc: NatsConnection): NatsConnectionImpl {
  if (nc instanceof NatsConnectionImpl) return nc
  throw new TypeError('The connection was not created by nats.js')
}
