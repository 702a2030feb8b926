import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { singleFlight } from '#domain/cache/single-flight'

/** The n-th read returns n when the test calls the n-th function in `finish`. */
function givenReads() {
  const finish: (() => void)[] = []
  const call = singleFlight((_key: string, _options: undefined) => {
    const read = Promise.withResolvers<number>()
    const number = finish.push(() => read.resolve(number))
    return read.promise
  })
  return { finish, call: () => call('key', undefined) }
}

describe('singleFlight', () => {
  it('reads once for concurrent calls and for a call right after them', async () => {
    const { finish, call } = givenReads()
    const all = [call(), call(), call()]
    finish[0]?.()

    expect(await Promise.all(all)).toEqual([1, 1, 1])
    expect(await call()).toBe(1)
    expect(finish).toHaveLength(1)
  })

  it('reads again after the value has expired', async () => {
    const { finish, call } = givenReads()
    const first = call()
    finish[0]?.()
    await first
    await delay(150)

    const second = call()
    finish[1]?.()

    expect(await second).toBe(2)
  })

  it('reads again for a call more than 500 ms after the start of a slow read', async () => {
    const { finish, call } = givenReads()
    const first = call()
    await delay(600)
    const second = call()
    finish[0]?.()
    expect(await first).toBe(1)
    await expect.poll(() => finish.length).toBe(2)
    finish[1]?.()

    expect(await second).toBe(2)
  })
})
