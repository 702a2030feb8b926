/**
 * Returns a function that loads, and whose promise resolves after a load that began with or after the call.
 * Calls while a load runs share the next one. A failed load is not reported.
 */
export function createRefresh(load: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined
  let next: Promise<void> | undefined

  function start(): Promise<void> {
    next = undefined
    running = load()
      .catch(() => undefined)
      .then(() => {
        running = undefined
      })
    return running
  }

  return () => {
    if (!next && !running) return start()
    next ??= running?.then(start)
    return next as Promise<void>
  }
}
