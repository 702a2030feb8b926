/**
 * The current WebSocket of a connection. Without a network the close handshake gets no reply, and the
 * close event comes minutes later: `drop` dispatches it at once.
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
