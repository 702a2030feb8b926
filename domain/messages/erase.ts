import type { Context } from '#runtime'
import { toNotifyId } from '#schema/ids'
import type { Message } from '#schema/messages/chat'
import { chatRoom } from '#schema/messages/event'
import { CHAT_MESSAGES } from '#schema/streams'
import { findPersistedSequence } from '../log/persisted-sequence.ts'
import { type LoggedEvent, persistNow } from '../log/projection.ts'

/**
 * Maximum number of the room's events after the deleted message that are searched for its edits. If
 * there are more, `persist` purges the edits later.
 */
const maxEvents = 2_000

/**
 * Erases a deleted message and its edits from the database and from CHAT_MESSAGES. `deletion` is the
 * event of the deletion. When the database is unavailable, only purges the message and its edits from
 * CHAT_MESSAGES; `persist` erases them from the database later.
 */
export async function eraseMessage(message: Message, deletion: LoggedEvent, context: Context) {
  const progress = await findPersistedSequence('rooms', context)
  try {
    await persistNow(deletion, context)
    // `persistNow` purges only the edits that are in the database. CHAT_MESSAGES may contain newer
    // edits that `persist` has not written to the database yet.
    if (!progress.caughtUp) await purgeEdits(message, progress.seq, context)
  } catch (error) {
    context.log.warn({ err: error, id: message.id }, 'message not yet deleted from the database')
    await context.purgeMessage(CHAT_MESSAGES, message.seq)
    await purgeEdits(message, message.seq, context)
  }
}

/** Purges the edits of a message that have a sequence above `since` from CHAT_MESSAGES. */
async function purgeEdits(message: Message, since: number, { purgeMessage, readAfter }: Context) {
  const { room, seq } = message
  const notifyId = toNotifyId(message)
  const from = Math.max(seq, since)
  const events = (await readAfter(CHAT_MESSAGES, [chatRoom], { room }, from, maxEvents)) ?? []
  const edits = events.filter(
    ({ data }) => data.kind === 'edit' && data.message.notifyId === notifyId,
  )
  await Promise.all(edits.map((edit) => purgeMessage(CHAT_MESSAGES, edit.seq)))
}
