const maxAnswerMs = 5_000

/**
 * Opens sockets whose `close` dispatches the close event at once. The browser itself dispatches it
 * only when the server answers the closing handshake. Without a network, that takes minutes. A
 * server that waits for the auth callout does not answer, because it reads nothing from the client
 * meanwhile.
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
      const close = socket.close.bind(socket)
      socket.close = (code, reason) => {
        socket.close = close
        close(code, reason)
        socket.dispatchEvent(new CloseEvent('close'))
      }
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
    },
  }
}
