import * as v from 'valibot'
import { defineFunction, schedule, type Topic } from '#runtime'

const clockTicked = {
  subject: 'clock.ticked',
  data: v.object({ at: v.string() }),
} as const satisfies Topic

/** Exactly one process receives each tick, however many processes serve this function. */
export default defineFunction(schedule({ everyMs: 5_000 }), ({ at }, { publish }) =>
  publish(clockTicked, { at: at.toISOString() }),
)
