import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface NatsProxy extends AsyncDisposable {
  port: number
  sent(): string
}

/** Starts a proxy to nats-server. `rewriteInfo` changes the INFO lines of the server. */
export async function startNatsProxy(
  serverPort: number,
  rewriteInfo: (info: string) => string = (info) => info,
): Promise<NatsProxy> {
  const received: Buffer[] = []
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(serverPort, '127.0.0.1')
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => {}).on('close', () => other.destroy())
    }
    client.on('data', (chunk) => received.push(chunk))
    client.pipe(upstream)
    upstream.on('data', (chunk) => {
      client.write(chunk.toString('latin1').replaceAll(/INFO \{.*\}/g, rewriteInfo), 'latin1')
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    sent: () => Buffer.concat(received).toString(),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
