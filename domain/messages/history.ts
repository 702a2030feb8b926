import type { Context, OutputOf } from '#runtime'
import type { chatHistory } from '#schema/messages/chat'
import { findPersistedSequence } from '../log/persisted-sequence.ts'
import { maskDeleted } from '../log/unpersisted.ts'
import { requireMember } from '../rooms/member.ts'
import { type PageQuery, readPage } from './history-page.ts'

type HistoryQuery = Omit<PageQuery, 'caller'>

/**
 * Returns one page of a room or of a thread. Masks messages whose deletion is in CHAT_MESSAGES, even
 * if it is not persisted yet. Throws `forbidden` if the caller is not a member of the room.
 */
export async function readHistory(
  query: HistoryQuery,
  context: Context,
): Promise<OutputOf<typeof chatHistory>> {
  const { user } = await requireMember(query.room, context)
  // `chat.sync` continues after `asOf`, and the page counts replies in threads, so `asOf` must not
  // exceed the progress of either consumer, `persist` or `persist.thread`. The progress is read
  // before the page: progress that is too old only makes `chat.sync` repeat events, while newer
  // progress would make it skip some.
  const progress = await findPersistedSequence('threads too', context)
  const page = await readPage({ ...query, caller: user })
  const messages = await maskDeleted(query.room, page.messages, progress, context)
  return { ...page, messages, asOf: Math.min(page.asOf, progress.seq) }
}
