const maxAnswerMs = 5_000

/**
 * Opens WebSockets, and drops the current one. Without a network, the browser reports a closed socket
 * only after minutes. `drop` therefore dispatches the close event itself.
 */
export function createWebSockets() {
  let current: WebSocket | undefined
  let answerMs = 2_000
  return {
    open(url: string) {
      const [socket, start] = [new WebSocket(url), Date.now()]
      const measure = () => {
        answerMs = Math.min(Date.now() - start, maxAnswerMs)
      }
      socket.addEventListener('message', measure, { once: true })
      current = socket
      return Promise.resolve({ socket, encrypted: socket.url.startsWith('wss:') })
    },
    /** The time until the first message of the server, which precedes the login. A guess at first. */
    answerMs: () => answerMs,
    drop() {
      if (current?.readyState !== WebSocket.OPEN && current?.readyState !== WebSocket.CLOSING)
        return
      current.close()
      current.dispatchEvent(new CloseEvent('close'))
    },
  }
}
