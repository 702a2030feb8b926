import type { Context } from '#runtime'
import { toNotifyId } from '#schema/ids'
import type { Message } from '#schema/messages/chat'
import { chatRoom } from '#schema/messages/event'
import { CHAT_MESSAGES } from '#schema/streams'
import { findPersistedSequence } from '../log/persisted-sequence.ts'
import { type LoggedEvent, persistNow } from '../log/projection.ts'

/**
 * At most this many events after a deleted message are searched for its edits. If there are more
 * events, `persist` purges the edits later.
 */
const maxEvents = 2_000

/**
 * Deletes the texts of a message from the database and CHAT_MESSAGES. If the database is unavailable, purges only
 * CHAT_MESSAGES, and `persist` deletes the texts from the database later.
 */
export async function eraseMessage(message: Message, deletion: LoggedEvent, context: Context) {
  const progress = await findPersistedSequence(message, 'rooms', context)
  try {
    await persistNow(deletion, context)
    // `persistNow` purges only the edits that are persisted, so edits that are not persisted yet
    // are purged here.
    if (!progress.caughtUp) await purgeEdits(message, progress.seq, context)
  } catch (error) {
    context.log.warn({ err: error, id: message.id }, 'message not yet deleted from the database')
    await context.purgeMessage(CHAT_MESSAGES, message.seq)
    await purgeEdits(message, message.seq, context)
  }
}

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
