interface Waiting<Call, Result> {
  call: Call
  resolve(result: Result): void
  reject(reason: unknown): void
}

/**
 * Returns a function that passes concurrent calls with the same key to `run` together. The first
 * call starts at once. While `run` works for a key, further calls with this key wait. They then
 * form the next batch of at most `maxSize`. `run` returns the outcome of each call in the order of
 * the calls. If `run` throws, all calls of the batch are rejected.
 */
export function batchCalls<Key, Call, Result>(
  maxSize: number,
  run: (key: Key, calls: readonly Call[]) => Promise<PromiseSettledResult<Result>[]>,
): (key: Key, call: Call) => Promise<Result> {
  const queues = new Map<Key, Waiting<Call, Result>[]>()

  async function work(key: Key, queue: Waiting<Call, Result>[]) {
    while (queue.length > 0) await runBatch(key, queue.splice(0, maxSize))
    queues.delete(key)
  }

  async function runBatch(key: Key, batch: Waiting<Call, Result>[]) {
    try {
      const outcomes = await run(
        key,
        batch.map(({ call }) => call),
      )
      for (const [index, outcome] of outcomes.entries())
        if (outcome.status === 'fulfilled') batch[index]?.resolve(outcome.value)
        else batch[index]?.reject(outcome.reason)
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }

  return (key, call) =>
    new Promise((resolve, reject) => {
      const waiting = { call, resolve, reject }
      const queue = queues.get(key)
      if (queue) return void queue.push(waiting)
      const started = [waiting]
      queues.set(key, started)
      void work(key, started)
    })
}
