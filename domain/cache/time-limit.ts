import { setTimeout as delay } from 'node:timers/promises'

export async function withTimeLimit<T>(ms: number, query: PromiseLike<T>): Promise<T> {
  const done = new AbortController()
  const limit = delay(ms, undefined, { signal: done.signal }).then(() => {
    throw new Error(`No answer within ${ms} ms`)
  })
  try {
    return await Promise.race([query, limit])
  } finally {
    done.abort()
    limit.catch(() => {})
  }
}
