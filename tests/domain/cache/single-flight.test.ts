import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { singleFlight } from '#domain/cache/single-flight'

/** Reads that end when they are told to; each answers with its number. */
function givenReads() {
  const ends: (() => void)[] = []
  const recall = singleFlight((_key: string, _ask: undefined) => {
    const read = Promise.withResolvers<number>()
    const number = ends.push(() => read.resolve(number))
    return read.promise
  })
  return { ends, ask: () => recall('one', undefined) }
}

describe('what is remembered for a moment', () => {
  it('is read once for many who ask at the same time, and for who asks right after', async () => {
    const { ends, ask } = givenReads()
    const all = [ask(), ask(), ask()]
    ends[0]?.()

    expect(await Promise.all(all)).toEqual([1, 1, 1])
    expect(await ask()).toBe(1)
    expect(ends).toHaveLength(1)
  })

  it('is read again for who asks later', async () => {
    const { ends, ask } = givenReads()
    const first = ask()
    ends[0]?.()
    await first
    await delay(150)

    const second = ask()
    ends[1]?.()

    expect(await second).toBe(2)
  })

  it('is read again for who asked long after a slow read had begun', async () => {
    const { ends, ask } = givenReads()
    const first = ask()
    await delay(600)
    const second = ask()
    ends[0]?.()
    expect(await first).toBe(1)
    await expect.poll(() => ends.length).toBe(2)
    ends[1]?.()

    expect(await second).toBe(2)
  })
})
