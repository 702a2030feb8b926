/**
 * The current WebSocket of a connection. Without a network, the server does not answer when the
 * socket is closed, and the browser reports the close only minutes later. `drop` therefore closes the
 * socket and dispatches the close event at once.
 */
export function createWebSockets() {
  let current: WebSocket | undefined
  return {
    open(url: string) {
      current = new WebSocket(url)
      return Promise.resolve({ socket: current, encrypted: current.url.startsWith('wss:') })
    },
    drop() {
      if (current?.readyState !== WebSocket.OPEN && current?.readyState !== WebSocket.CLOSING)
        return
      current.close()
      current.dispatchEvent(new CloseEvent('close'))
    },
  }
}
