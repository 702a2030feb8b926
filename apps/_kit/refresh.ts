/** Returns a function that loads. While a load runs, any number of calls lead to one more load. */
export function createRefresh(load: () => Promise<void>): () => Promise<void> {
  let isRunning = false
  let isStale = false
  return async () => {
    isStale = true
    if (isRunning) return
    isRunning = true
    while (isStale) {
      isStale = false
      await load().catch(() => undefined)
    }
    isRunning = false
  }
}
