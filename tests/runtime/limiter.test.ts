import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { SharedCounter } from '../../runtime/rate-limit/counter.ts'
import { Limiter, type LimiterOptions } from '../../runtime/rate-limit/limiter.ts'

const windowMs = 10_000

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: 1_000 * windowMs })
})
afterEach(() => {
  vi.useRealTimers()
})

const advance = (ms: number) => vi.setSystemTime(Date.now() + ms)

function createCounter() {
  const values = new Map<string, number>()
  const state = { isAvailable: true, values }
  const guard = () => {
    if (!state.isAvailable) throw new Error('unavailable')
  }
  const counter: SharedCounter = {
    async add(subject, by) {
      guard()
      const value = (values.get(subject) ?? 0) + by
      values.set(subject, value)
      return value
    },
    async read(subject) {
      guard()
      return values.get(subject) ?? 0
    },
  }
  return { counter, state }
}

function createLimiter(
  max: number,
  counter: SharedCounter,
  fallback: LimiterOptions['fallback'] = 'allow',
) {
  return new Limiter({ counter, service: 'send', limit: { max, windowMs }, fallback })
}

async function take(limiter: Limiter, count: number, caller = 'alice') {
  let accepted = 0
  let rejection: { code?: string; retryAfterMs?: number } | undefined
  for (let call = 0; call < count; call++)
    try {
      await limiter.take(caller)
      accepted++
    } catch (error) {
      rejection = error as { code?: string; retryAfterMs?: number }
    }
  return { accepted, rejection }
}

describe('Limiter', () => {
  it('accepts exactly the maximum number of calls in a window from each caller', async () => {
    const limiter = createLimiter(100, createCounter().counter)

    expect(await take(limiter, 150)).toMatchObject({
      accepted: 100,
      rejection: { code: 'rate_limited' },
    })
    expect(await take(limiter, 1, 'bob')).toMatchObject({ accepted: 1 })
  })

  it('accepts exactly the maximum when the calls of a window arrive at once', async () => {
    const limiter = createLimiter(10, createCounter().counter)
    const calls = Array.from({ length: 30 }, async () => limiter.take('alice'))

    const outcomes = await Promise.allSettled(calls)

    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(10)
  })

  it('takes calls over the limit back out of the shared counter', async () => {
    const { counter, state } = createCounter()
    const [one, other] = [createLimiter(100, counter), createLimiter(100, counter)]

    await take(one, 98)
    await take(other, 10)

    expect([...state.values.values()]).toEqual([100])
  })

  it('counts calls of the previous window in proportion to its overlap with the sliding window', async () => {
    const limiter = createLimiter(100, createCounter().counter)
    await take(limiter, 100)

    advance(windowMs)
    expect(await take(limiter, 50)).toMatchObject({ accepted: 0 })
    advance(windowMs / 4)
    expect(await take(limiter, 50)).toMatchObject({ accepted: 25 })
  })

  it('ignores calls before the previous window', async () => {
    const limiter = createLimiter(100, createCounter().counter)
    await take(limiter, 100)

    advance(2 * windowMs)

    expect(await take(limiter, 150)).toMatchObject({ accepted: 100 })
  })

  it('discards calls that it reserved but did not use in the previous window', async () => {
    const { counter, state } = createCounter()
    const limiter = createLimiter(100, counter)
    // For these eight calls, the limiter reserves 1, 2, 4 and then 5 calls. It uses only one of the
    // five.
    await take(limiter, 8)
    advance(windowMs)
    state.values.clear()

    await take(limiter, 1)

    expect([...state.values.values()]).toEqual([1])
  })

  it('reserves at most a twentieth of the limit in advance', async () => {
    const { counter, state } = createCounter()
    const limiter = createLimiter(100, counter)

    for (let used = 1; used <= 60; used++) {
      await take(limiter, 1)
      expect([...state.values.values()][0]).toBeLessThan(used + 5)
    }
  })

  describe('when the shared counter answers a call two windows later', () => {
    async function callAcrossWindows(others: number) {
      const { counter } = createCounter()
      const { promise: answered, resolve: answer } = Promise.withResolvers<void>()
      const delayed: SharedCounter = {
        add: (subject, by) => answered.then(() => counter.add(subject, by)),
        read: (subject) => answered.then(() => counter.read(subject)),
      }
      const limiter = createLimiter(1, delayed)
      const call = async () => limiter.take('alice')
      const calls = [call()]
      advance(2 * windowMs)
      for (let other = 0; other < others; other++) calls.push(call())
      answer()
      const outcomes = await Promise.allSettled(calls)
      const accepted = outcomes.filter(({ status }) => status === 'fulfilled').length
      return { limiter, accepted }
    }

    it('counts the call in the later window', async () => {
      const { limiter, accepted } = await callAcrossWindows(0)

      expect(accepted).toBe(1)
      expect(await take(limiter, 1)).toMatchObject({ accepted: 0 })
    })

    it('accepts no more calls in the later window than the maximum', async () => {
      const { accepted } = await callAcrossWindows(1)

      expect(accepted).toBe(1)
    })
  })

  it.each([
    [1, 0],
    [4, 0],
    [4, 0.5],
    [60, 0.9],
  ])(
    'with a limit of %d calls per window, accepts a call after retryAfterMs and not before',
    async (max, share) => {
      const limiter = createLimiter(max, createCounter().counter)
      advance(share * windowMs)
      const { rejection } = await take(limiter, max + 1)
      const retryAfterMs = rejection?.retryAfterMs ?? 0

      advance(retryAfterMs - 1)
      expect(await take(limiter, 1)).toMatchObject({ accepted: 0 })
      advance(1)
      expect(await take(limiter, 1)).toMatchObject({ accepted: 1 })
    },
  )

  it('counts calls of the current and previous window locally while the shared counters are unavailable', async () => {
    const { counter, state } = createCounter()
    state.isAvailable = false
    const limiter = createLimiter(100, counter)

    expect(await take(limiter, 150)).toMatchObject({ accepted: 100 })
    advance(1.5 * windowMs)
    expect(await take(limiter, 150)).toMatchObject({ accepted: 50 })
    advance(2 * windowMs)
    expect(await take(limiter, 150)).toMatchObject({ accepted: 100 })
  })

  it('with the fallback "block", rejects calls with unavailable while the shared counters are unavailable', async () => {
    const { counter, state } = createCounter()
    state.isAvailable = false
    const limiter = createLimiter(100, counter, 'block')

    expect(await take(limiter, 1)).toMatchObject({
      accepted: 0,
      rejection: { code: 'unavailable' },
    })
    state.isAvailable = true
    expect(await take(limiter, 1)).toMatchObject({ accepted: 1 })
  })
})
