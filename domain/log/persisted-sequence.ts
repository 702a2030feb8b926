import type { ConsumerProgress, Context } from '#runtime'
import { CHAT_MESSAGES } from '#schema/streams'
import { singleFlight } from '../cache/single-flight.ts'

/** A stale value is safe: it only makes readers apply events that are persisted already. */
const cachedProgress = singleFlight((name: 'persist' | 'persist.thread', context: Context) =>
  context.consumerProgress(CHAT_MESSAGES, name),
)

/**
 * Returns the sequence up to which the database has all events; later ones may be persisted with gaps,
 * because redelivery takes seconds. `caughtUp`: the log had no later event, at most half a second ago.
 * Call it before the database query that it is for.
 */
export async function findPersistedSequence(
  scope: 'rooms' | 'threads too',
  context: Context,
): Promise<ConsumerProgress> {
  const names = scope === 'rooms' ? ['persist' as const] : (['persist', 'persist.thread'] as const)
  const progress = await Promise.all(names.map((name) => cachedProgress(name, context)))
  return {
    seq: Math.min(...progress.map(({ seq }) => seq)),
    caughtUp: progress.every(({ caughtUp }) => caughtUp),
  }
}
