/**
 * Returns a function that calls `load`. The promise that this function returns resolves after a
 * load that began at the call or after it, never after one that was already running, which may have
 * read older data. All calls during a load share the next load. A failed load is not reported.
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
