import type { ConsumerProgress, Context } from '#runtime'
import { CHAT_MESSAGES } from '#schema/streams'
import { singleFlight } from '../cache/single-flight.ts'

/**
 * A stale sequence is safe, because it is too low: callers then apply persisted events again, which changes
 * nothing.
 */
const cachedProgress = singleFlight((name: 'persist' | 'persist.thread', context: Context) =>
  context.consumerProgress(CHAT_MESSAGES, name),
)

/**
 * Returns an id of the log CHAT_MESSAGES. It changes when the log is restored from a backup: events with the
 * same sequence may then differ. May also change otherwise.
 */
export async function readLogId(context: Context): Promise<string> {
  return (await cachedProgress('persist', context)).since
}

/**
 * Returns the sequence in CHAT_MESSAGES up to which all events of `scope` are persisted. `caughtUp`
 * is true if the stream had no later event at most half a second ago. Call this before the database
 * query whose result you compare with the sequence.
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
