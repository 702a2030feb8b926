import type { Context } from '#runtime'
import { toNotifyId } from '#schema/ids'
import type { Message } from '#schema/messages/chat'
import { chatRoom } from '#schema/messages/event'
import { CHAT_MESSAGES } from '#schema/streams'
import { findPersistedSequence } from '../log/persisted-sequence.ts'
import { type LoggedEvent, persistNow } from '../log/projection.ts'

/** Beyond this many later events in the room, the edits are left for `persist` to purge. */
const maxEvents = 2_000

/**
 * Erases a deleted message and its edits from the database and the log. `deletion` is its delete
 * event. When the database is unavailable, purges the log alone and leaves the rest to `persist`.
 */
export async function eraseMessage(message: Message, deletion: LoggedEvent, context: Context) {
  const progress = await findPersistedSequence('rooms', context)
  try {
    await persistNow(deletion, context)
    // `persistNow` purges the edits that the database has; the log may hold newer ones.
    if (!progress.caughtUp) await purgeEdits(message, progress.seq, context)
  } catch (error) {
    context.log.warn({ err: error, id: message.id }, 'message not yet deleted from the database')
    await context.purgeMessage(CHAT_MESSAGES, message.seq)
    await purgeEdits(message, message.seq, context)
  }
}

/** Purges the message's edits after a sequence from the log. */
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
