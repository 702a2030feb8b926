import type { ChatClient } from './chatClient.ts'

/** Queues calls and subscriptions, in order, until the connection is open. */
export function createDeferredClient() {
  const { promise: ready, resolve } = Promise.withResolvers<ChatClient>()
  let current: ChatClient | undefined
  /**
   * Runs `action` at once if the connection is open, because a closing page has no time to wait for
   * a promise.
   */
  const use = (action: (client: ChatClient) => void) => {
    if (current) action(current)
    else void ready.then(action)
  }

  const client: ChatClient = {
    call: async (name, input, options) => (current ?? (await ready)).call(name, input, options),
    try: async (name, input, options) => (current ?? (await ready)).try(name, input, options),
    stream(name, input, options) {
      const opened = ready.then((first) => (current ?? first).stream(name, input, options))
      const output = opened.then((stream) => stream.output)
      output.catch(() => {})
      return {
        output,
        async *[Symbol.asyncIterator]() {
          yield* await opened
        },
      }
    },
    listen(topic, params, handler) {
      let stop: (() => void) | undefined
      let isStopped = false
      use((connected) => {
        if (!isStopped) stop = connected.listen(topic, params, handler)
      })
      return () => {
        isStopped = true
        stop?.()
      }
    },
    publish: (name, input) => use((connected) => connected.publish(name, input)),
    close: () => use((connected) => connected.close()),
  }
  return {
    client,
    connect(connected: ChatClient) {
      if (current) {
        current = connected
        return
      }
      // The queued calls wait for `ready`, too. They began to wait before this callback, so they
      // run before `current` is set. Until then, new calls are queued after them.
      resolve(connected)
      void ready.then(() => {
        current = connected
      })
    },
  }
}
