import { type Context, FunctionError } from '#runtime'
import { toNotifyId, type UserId } from '#schema/ids'
import { deliverNotify, type Notice, type RoomEvent, roomNotify } from '#schema/messages/log'
import { findAudience } from './_audience.ts'
import { cacheMessage, withoutKind } from './_message.ts'

/** Up to this many characters a message goes along with its notification. */
const smallText = 1_000

/**
 * Tells a room what the log has just taken: all who listen to a public room at once, the members of
 * any other one by one. What this misses because a process dies, clients notice by `prev` and fetch.
 */
export async function fanOut(event: RoomEvent, context: Context): Promise<void> {
  const { stored } = context
  if (!stored) throw new FunctionError('invalid', 'An event must come from the log')
  const notice = toNotice(event, stored)
  if (event.kind === 'message') {
    // The log has it anyway, so nobody waits for this.
    cacheMessage({ ...withoutKind(event), seq: stored.seq }, context).catch((error) =>
      context.log.warn({ err: error }, 'message not cached; readers find it in the log'),
    )
  }

  const audience = await findAudience(event.room, context)
  if (audience === 'everyone') context.publish(roomNotify, notice)
  else context.publishEach(deliverNotify, 'user', audience, notice)
  // Who went is nobody the room is told of any more, and must know all the same.
  const gone = whoWent(event)
  if (gone && audience !== 'everyone') context.publish(deliverNotify, { ...notice, user: gone })
}

function toNotice(event: RoomEvent, { seq, prev }: { seq: number; prev: number }): Notice {
  const { room, kind } = event
  const isLong = 'text' in event && event.text.length > smallText
  return {
    room,
    kind,
    seq,
    prev,
    ...aboutMessage(event, seq),
    ...(kind === 'message' && event.threadId !== undefined ? { threadId: event.threadId } : {}),
    ...(isLong ? {} : { event }),
  }
}

function aboutMessage(event: RoomEvent, seq: number): Pick<Notice, 'notifyId'> {
  if (event.kind === 'message') return { notifyId: toNotifyId({ seq, id: event.id }) }
  return 'message' in event ? { notifyId: event.message.notifyId } : {}
}

function whoWent(event: RoomEvent): UserId | undefined {
  if (event.kind !== 'member') return undefined
  return event.action === 'kick' || event.action === 'leave' ? event.userId : undefined
}
