import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { fetchWithAgedTtl } from '#domain/cache/ttl'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout'] })
})
afterEach(() => {
  vi.useRealTimers()
})

/** For how long something is remembered that took so long to be read. */
async function ttlAfter(ms: number): Promise<number | undefined> {
  const options = { ttl: 500 }
  const reading = fetchWithAgedTtl(
    options,
    () => new Promise((resolve) => setTimeout(resolve, ms, 'read')),
  )
  await vi.advanceTimersByTimeAsync(ms)
  expect(await reading).toBe('read')
  return options.ttl
}

describe('what is remembered', () => {
  it('is as old as the question', async () => {
    expect(await ttlAfter(0)).toBe(500)
    expect(await ttlAfter(200)).toBe(300)
  })

  it('is not kept for ever when the answer took longer than it may be remembered', async () => {
    expect(await ttlAfter(500)).toBe(1)
    expect(await ttlAfter(2_000)).toBe(1)
  })
})
