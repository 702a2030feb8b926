import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface NetworkProxy extends AsyncDisposable {
  port: string
  url: string
  cut(): number
  /**
   * Pauses all open connections until the returned function is called. With `later`, also pauses
   * connections that are opened later.
   */
  stall(options?: { later: boolean }): () => void
  restore(): void
}

/**
 * Starts a proxy that can cut the network. A browser's offline mode is not sufficient, because it
 * does not close open WebSockets.
 */
export async function createNetworkProxy(serverPort: number): Promise<NetworkProxy> {
  const open = new Set<Socket>()
  let isCut = false
  const stalled = new Set<Socket>()
  let stallsLater = false
  const pause = (socket: Socket) => stalled.add(socket.pause())
  const server = createServer((near) => {
    if (isCut) return near.destroy()
    const far = connect(serverPort, '127.0.0.1')
    for (const [source, target] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(source)
      source.pipe(target)
      if (stallsLater) pause(source)
      source.on('error', () => source.destroy())
      source.on('close', () => {
        open.delete(source)
        target.destroy()
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = () => {
    isCut = true
    for (const socket of open) socket.destroy()
    return Date.now()
  }
  const { port } = server.address() as AddressInfo
  return {
    port: String(port),
    url: `ws://127.0.0.1:${port}`,
    cut,
    stall({ later } = { later: false }) {
      stallsLater = later
      for (const socket of open) pause(socket)
      return () => {
        stallsLater = false
        for (const socket of stalled) socket.resume()
        stalled.clear()
      }
    },
    restore() {
      isCut = false
    },
    async [Symbol.asyncDispose]() {
      cut()
      server.close()
    },
  }
}
