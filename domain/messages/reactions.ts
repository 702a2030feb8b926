import { eq, sql } from 'drizzle-orm'
import type { Context } from '#runtime'
import { db } from '#schema/db'
import { type MessageId, toNotifyId, type UserId } from '#schema/ids'
import type { Message } from '#schema/messages/chat'
import { chatRoom } from '#schema/messages/event'
import { CHAT_MESSAGES } from '#schema/streams'
import { reactions } from '#schema/tables/message'

const maxEvents = 100

export interface StoredReaction {
  seq: number
  on: boolean
}

/**
 * An emoji with which at least one user has reacted to a message, even if all reactions were
 * withdrawn.
 */
export interface MessageEmoji {
  emoji: string
  isOn: boolean
  own: StoredReaction | undefined
}

export async function readEmojis(id: MessageId, user: UserId): Promise<MessageEmoji[]> {
  const isOwn = sql`filter (where ${reactions.userId} = ${user})`
  const rows = await db
    .select({
      emoji: reactions.emoji,
      isOn: sql<boolean>`bool_or(${reactions.on})`,
      on: sql<boolean | null>`bool_or(${reactions.on}) ${isOwn}`,
      seq: sql<string | null>`max(${reactions.seq}) ${isOwn}`,
    })
    .from(reactions)
    .where(eq(reactions.messageId, id))
    .groupBy(reactions.emoji)
  return rows.map(({ emoji, isOn, on, seq }) => ({
    emoji,
    isOn,
    own: on === null ? undefined : { seq: Number(seq), on },
  }))
}

/**
 * Returns a user's latest reaction to a message with an emoji. `persisted` is the reaction in the database.
 * Returns undefined if the room has more than `maxEvents` events after `persisted`.
 */
export async function findReaction(
  { message, user, emoji }: { message: Message; user: UserId; emoji: string },
  persisted: StoredReaction = { seq: message.seq, on: false },
  context: Context,
): Promise<StoredReaction | undefined> {
  const { room } = message
  const notifyId = toNotifyId(message)
  const events = await context.readAfter(
    CHAT_MESSAGES,
    [chatRoom],
    { room },
    persisted.seq,
    maxEvents,
  )
  const later = events?.flatMap(({ seq, data }) => {
    const isSame = data.kind === 'react' && data.message.notifyId === notifyId
    return isSame && data.by === user && data.emoji === emoji ? [{ seq, on: data.on }] : []
  })
  return later && (later.at(-1) ?? persisted)
}
