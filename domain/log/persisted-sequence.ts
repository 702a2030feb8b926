import type { ConsumerProgress, Context } from '#runtime'
import { CHAT_MESSAGES } from '#schema/streams'
import { singleFlight } from '../cache/single-flight.ts'

/** Older is never wrong: whoever reads a page is told of the rest again. */
const cachedProgress = singleFlight((name: 'persist' | 'persist.thread', context: Context) =>
  context.consumerProgress(CHAT_MESSAGES, name),
)

/**
 * Up to which sequence the database has all that happened in rooms, and in their threads as well if
 * that is asked; and whether that is all there was half a second ago. What it has of later is not all:
 * what was given to a process that died comes seconds after what is new. To be asked before the
 * database is.
 */
export async function findPersistedSequence(
  what: 'rooms' | 'threads too',
  context: Context,
): Promise<ConsumerProgress> {
  const names = what === 'rooms' ? ['persist' as const] : (['persist', 'persist.thread'] as const)
  const found = await Promise.all(names.map((name) => cachedProgress(name, context)))
  return {
    seq: Math.min(...found.map(({ seq }) => seq)),
    caughtUp: found.every(({ caughtUp }) => caughtUp),
  }
}
