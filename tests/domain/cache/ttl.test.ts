import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { absent, fetchOrAbsent, fetchWithAgedTtl } from '#domain/cache/ttl'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout'] })
})
afterEach(() => {
  vi.useRealTimers()
})

/** Returns the milliseconds that remain of a TTL of 500 ms after a read that takes `readMs`. */
async function ttlAfter(readMs: number): Promise<number | undefined> {
  const options = { ttl: 500 }
  const reading = fetchWithAgedTtl(
    options,
    () => new Promise((resolve) => setTimeout(resolve, readMs, 'read')),
  )
  await vi.advanceTimersByTimeAsync(readMs)
  expect(await reading).toBe('read')
  return options.ttl
}

describe('fetchWithAgedTtl', () => {
  it('subtracts the duration of the read from the TTL', async () => {
    expect(await ttlAfter(0)).toBe(500)
    expect(await ttlAfter(200)).toBe(300)
  })

  it('expires the value after 1 ms when the read took longer than the TTL', async () => {
    expect(await ttlAfter(500)).toBe(1)
    expect(await ttlAfter(2_000)).toBe(1)
  })
})

describe('fetchOrAbsent', () => {
  it('returns an existing value, and keeps the TTL', async () => {
    const options = { ttl: 500 }

    expect(await fetchOrAbsent(options, async () => 'value')).toBe('value')
    expect(options.ttl).toBe(500)
  })

  it('returns `absent` with a TTL of 1 ms for a missing value', async () => {
    const options = { ttl: 500 }

    expect(await fetchOrAbsent(options, async () => undefined)).toBe(absent)
    expect(options.ttl).toBe(1)
  })
})
