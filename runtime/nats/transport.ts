import type { ConnectionOptions, NatsConnection } from '@nats-io/nats-core'
import { NatsConnectionImpl, setTransportFactory, TE } from '@nats-io/nats-core/internal'
// Imports an internal module, because the package's `connect` always creates a NodeTransport, and
// this file needs another transport.
import { NodeTransport, nodeResolveHost } from '@nats-io/transport-node/lib/node_transport.js'

// nats.js encodes every subject and payload with TE.encode. Buffer.from takes a tenth of its time.
TE.encode = (text = '') => Buffer.from(text)

/** If this many bytes are pending, they are written before the turn of the event loop ends. */
const maxPendingBytes = 64 * 1_024

/**
 * A transport that writes to the socket once in each turn of the event loop. nats.js writes when the
 * microtask queue is empty: under load, that is one system call for each message.
 */
class TurnTransport extends NodeTransport {
  #frames: Uint8Array[] = []
  #bytes = 0

  override send(frame: Uint8Array): void {
    this.#bytes += frame.length
    if (this.#frames.push(frame) === 1) setImmediate(() => this.#write())
    if (this.#bytes >= maxPendingBytes) this.#write()
  }

  override close(error?: Error): Promise<void> {
    this.#write()
    return super.close(error)
  }

  override disconnect(): void {
    this.#write()
    super.disconnect()
  }

  #write() {
    const [first, ...rest] = this.#frames
    if (!first) return
    this.#frames = []
    this.#bytes = 0
    super.send(rest.length === 0 ? first : Buffer.concat([first, ...rest]))
  }
}

export function connectNode(options: ConnectionOptions): Promise<NatsConnection> {
  setTransportFactory({ factory: () => new TurnTransport(), dnsResolveFn: nodeResolveHost })
  return NatsConnectionImpl.connect(options)
}
