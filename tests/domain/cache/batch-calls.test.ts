import { expect, it } from 'vitest'
import { batchCalls } from '#domain/cache/batch-calls'

function createRuns() {
  const runs: { key: string; calls: readonly number[]; end: () => void }[] = []
  const call = batchCalls<string, number, number>(3, async (key, calls) => {
    const { promise, resolve } = Promise.withResolvers<void>()
    runs.push({ key, calls, end: resolve })
    await promise
    if (calls.includes(0)) throw new Error('unavailable')
    return Promise.allSettled(
      calls.map(async (number) => {
        if (number < 0) throw new Error(`${number} is negative`)
        return number * 2
      }),
    )
  })
  return { runs, call }
}

it('batchCalls runs the first call at once, collects the calls that arrive during a run, and then runs them in batches of at most the maximum size', async () => {
  const { runs, call } = createRuns()
  const results = [1, 2, 3, 4, 5].map((number) => call('a', number))
  expect(runs.map(({ calls }) => calls)).toEqual([[1]])

  runs[0]?.end()
  await expect.poll(() => runs[1]?.calls).toEqual([2, 3, 4])
  runs[1]?.end()
  await expect.poll(() => runs[2]?.calls).toEqual([5])
  runs[2]?.end()

  expect(await Promise.all(results)).toEqual([2, 4, 6, 8, 10])
})

it('batchCalls runs the calls of different keys at the same time', () => {
  const { runs, call } = createRuns()
  void call('a', 1)
  void call('b', 2)

  expect(runs.map(({ key }) => key)).toEqual(['a', 'b'])
})

it('batchCalls rejects a single call if only its outcome is an error, and all calls of a run that fails as a whole', async () => {
  const { runs, call } = createRuns()
  const first = call('a', -1)
  const others = Promise.allSettled([0, 1].map((number) => call('a', number)))

  runs[0]?.end()
  await expect(first).rejects.toThrow('-1 is negative')
  await expect.poll(() => runs[1]?.calls).toEqual([0, 1])
  runs[1]?.end()
  expect(await others).toMatchObject([
    { reason: { message: 'unavailable' } },
    { reason: { message: 'unavailable' } },
  ])

  const last = call('a', 2)
  await expect.poll(() => runs[2]?.calls).toEqual([2])
  runs[2]?.end()
  expect(await last).toBe(4)
})
