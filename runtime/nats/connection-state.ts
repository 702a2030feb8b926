import type { NatsConnection } from '@nats-io/nats-core'

export class ConnectionState {
  readonly #lost = new Set<NatsConnection>()
  readonly connections: NatsConnection[] = []

  /** False while one of the watched connections is lost or closed. */
  get isConnected(): boolean {
    return this.#lost.size === 0
  }

  watch(nc: NatsConnection): void {
    this.connections.push(nc)
    void this.#follow(nc)
  }

  async #follow(nc: NatsConnection) {
    for await (const { type } of nc.status()) {
      if (type === 'disconnect') this.#lost.add(nc)
      else if (type === 'reconnect') this.#lost.delete(nc)
    }
    this.#lost.add(nc)
  }
}
