import { LRUCache } from 'lru-cache'
import type { Context, Handled } from '#runtime'
import { CHAT_MESSAGES } from '#schema/streams'

/**
 * How far each has copied the log, as of a moment ago. Older is never wrong: whoever reads a page is
 * told of the rest again.
 */
const handled = new LRUCache<'persist' | 'persist.thread', Handled, Context>({
  max: 2,
  ttl: 100,
  ignoreFetchAbort: true,
  fetchMethod: (name, _stale, { context }) => context.handled(CHAT_MESSAGES, name),
})

/**
 * Up to which sequence the database has all that happened in rooms, and in their threads as well if
 * that is asked; and whether that is all there was. What it has of later is not all: what was given to
 * a process that died comes seconds after what is new. To be asked before the database is.
 */
export async function findHandled(
  what: 'rooms' | 'threads too',
  context: Context,
): Promise<Handled> {
  const names = what === 'rooms' ? ['persist' as const] : (['persist', 'persist.thread'] as const)
  const found = await Promise.all(names.map((name) => handled.forceFetch(name, { context })))
  return {
    seq: Math.min(...found.map(({ seq }) => seq)),
    isAll: found.every(({ isAll }) => isAll),
  }
}
