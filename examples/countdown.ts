import { setTimeout } from 'node:timers/promises'
import * as v from 'valibot'
import { type Contract, defineFunction } from '#runtime'

const countdown = {
  subject: 'countdown',
  audience: ['everyone'],
  description: 'Counts down, one number every 100 ms',
  input: v.strictObject({ from: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(100)) }),
  chunk: v.object({ left: v.number() }),
  output: v.object({ done: v.literal(true) }),
  timeoutMs: 15_000,
} as const satisfies Contract

/** The wait ends when the caller cancels the call. */
export default defineFunction(countdown, async function* ({ from }, { signal }) {
  for (let left = from; left > 0; left--) {
    yield { left }
    await setTimeout(100, undefined, { signal })
  }
  return { done: true } as const
})
