/**
 * Opens WebSockets, and drops the current one. Without a network, the browser reports a closed socket
 * only after minutes. `drop` therefore dispatches the close event itself.
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
