import type { ChatClient } from './chatClient.ts'

/**
 * A client that is there before the connection is: what is asked waits for it, what listens begins with
 * it, all in the order in which it came.
 */
export function createDeferredClient() {
  const { promise: ready, resolve } = Promise.withResolvers<ChatClient>()
  let found: ChatClient | undefined
  /** At once where there is a connection: a page that closes waits for nothing. */
  const use = (what: (client: ChatClient) => void) => {
    if (found) what(found)
    else void ready.then(what)
  }

  const client: ChatClient = {
    call: async (name, input, options) => (found ?? (await ready)).call(name, input, options),
    try: async (name, input, options) => (found ?? (await ready)).try(name, input, options),
    listen(topic, params, hear) {
      let stop: (() => void) | undefined
      let isStopped = false
      use((it) => {
        if (!isStopped) stop = it.listen(topic, params, hear)
      })
      return () => {
        isStopped = true
        stop?.()
      }
    },
    publish: (name, input) => use((it) => it.publish(name, input)),
    close: () => use((it) => it.close()),
  }
  return {
    client,
    /** There is one; or another, when the one before it was closed. */
    connect(made: ChatClient) {
      if (found) {
        found = made
        return
      }
      // Whoever waits goes first: `ready` tells them before anybody can ask again.
      resolve(made)
      void ready.then(() => {
        found = made
      })
    },
  }
}
