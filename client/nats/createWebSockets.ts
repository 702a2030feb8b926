/** Minimum time for the response to the first login; twice that for the second one, and so on. */
const minLoginMs = 1_000

/**
 * Opens WebSockets, and drops the current one. Without a network, the browser reports a closed socket
 * only after minutes. `drop` therefore dispatches the close event itself.
 */
export function createWebSockets() {
  let current: WebSocket | undefined
  /** Number of successive logins that were not answered. */
  let unanswered = 0
  return {
    open(url: string) {
      current = new WebSocket(url)
      dropUnanswered(current)
      return Promise.resolve({ socket: current, encrypted: current.url.startsWith('wss:') })
    },
    drop: () => drop(current),
  }

  /**
   * Drops a socket whose login is not answered, so that the page logs in again. After a restart of
   * the NATS server, a login before the auth callout has reconnected is rejected after five seconds
   * only.
   */
  function dropUnanswered(socket: WebSocket) {
    const startedAt = performance.now()
    let messages = 0
    socket.addEventListener('open', () => {
      // Opening takes several round trips, the login takes one.
      const openMs = performance.now() - startedAt
      const waitMs = Math.max(minLoginMs * 2 ** unanswered, 3 * openMs)
      const timer = setTimeout(() => {
        unanswered++
        drop(socket)
      }, waitMs)
      socket.addEventListener('close', () => clearTimeout(timer))
      socket.addEventListener('message', () => {
        // The server greets first. Its second message is the response.
        if (++messages !== 2) return
        unanswered = 0
        clearTimeout(timer)
      })
    })
  }
}

function drop(socket: WebSocket | undefined) {
  if (socket?.readyState !== WebSocket.OPEN && socket?.readyState !== WebSocket.CLOSING) return
  socket.close()
  socket.dispatchEvent(new CloseEvent('close'))
}
