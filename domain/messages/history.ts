import type { Context, OutputOf } from '#runtime'
import type { chatHistory } from '#schema/messages/chat'
import { findPersistedSequence } from '../log/persisted-sequence.ts'
import { maskDeleted } from '../log/unpersisted.ts'
import { requireReader } from '../rooms/reader.ts'
import { type PageQuery, readPage } from './history-page.ts'

type HistoryQuery = Omit<PageQuery, 'caller' | 'persistedSeq'>

export async function readHistory(
  query: HistoryQuery,
  context: Context,
): Promise<OutputOf<typeof chatHistory>> {
  const user = await requireReader(query.room, context)
  // `chat.sync` continues after `asOf`. If `asOf` were higher than the progress of `persist` or
  // `persist.thread`, `chat.sync` would skip events, so the progress is read before the page.
  const progress = await findPersistedSequence(query, 'threads too', context)
  const page = await readPage({ ...query, caller: user, persistedSeq: progress.seq })
  const messages = await maskDeleted(query.room, page.messages, progress, context)
  return { ...page, messages, asOf: Math.min(page.asOf, progress.seq) }
}
