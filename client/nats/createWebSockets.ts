/**
 * The WebSockets of one connection, one after the other. A socket whose network is gone does not notice
 * for long, and its end waits for an answer that never comes: here it can be dropped at once.
 */
export function createWebSockets() {
  let current: WebSocket | undefined
  return {
    /** As nats.js asks for one. */
    open(url: string) {
      current = new WebSocket(url)
      return Promise.resolve({ socket: current, encrypted: current.url.startsWith('wss:') })
    },
    /** Ends the one that is open for whoever listens to it, now. */
    drop() {
      if (current?.readyState !== WebSocket.OPEN && current?.readyState !== WebSocket.CLOSING)
        return
      current.close()
      current.dispatchEvent(new CloseEvent('close'))
    },
  }
}
