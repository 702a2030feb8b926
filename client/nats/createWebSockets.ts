const maxAnswerMs = 5_000

/**
 * `drop` dispatches the close event itself: without a network, the browser reports a closed socket
 * only after minutes.
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
    /**
     * Milliseconds from the opening of the latest socket until the server's first message, which
     * precedes the login. Before the first connection, this is an estimate.
     */
    answerMs: () => answerMs,
    drop() {
      if (current?.readyState !== WebSocket.OPEN && current?.readyState !== WebSocket.CLOSING)
        return
      current.close()
      current.dispatchEvent(new CloseEvent('close'))
    },
  }
}
