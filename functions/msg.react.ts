import { eq, sql } from 'drizzle-orm'
import { appendEvent } from '#domain/log/append'
import {
  messageResources,
  requireMessage,
  requireNotDeleted,
  toTarget,
} from '#domain/messages/change'
import { requireRight } from '#domain/rooms/roles'
import { type Context, defineFunction, FunctionError } from '#runtime'
import { db } from '#schema/db'
import { type MessageId, toNotifyId, type UserId } from '#schema/ids'
import { type Message, msgReact } from '#schema/messages/chat'
import { chatRoom } from '#schema/messages/event'
import { CHAT_MESSAGES } from '#schema/streams'
import { reactions } from '#schema/tables/message'

/** So many different ones a message takes. Those who put the last at the same moment may exceed it. */
const maxEmojis = 20
/** Where the log has had more since, it is not read to find out that nothing changes. */
const maxEvents = 100

/** Puts an emoji to a message, or takes it away: the last word of each counts. */
export default defineFunction(
  msgReact,
  async ({ notifyId, emoji, on }, context) => {
    const { message, member } = await requireMessage(notifyId, context)
    requireRight(member, 'speak')
    requireNotDeleted(message)
    const used = await readEmojis(message.id, member.user)
    const mine = used.find((it) => it.emoji === emoji)
    const word = await findReaction({ message, user: member.user, emoji }, mine?.word, context)
    if (word?.on === on) return { seq: word.seq }
    const others = used.filter((it) => it.emoji !== emoji && it.isOn)
    if (on && others.length >= maxEmojis && !mine?.isOn)
      throw new FunctionError('conflict', `A message takes ${maxEmojis} different emojis`)

    const { room } = message
    const at = new Date().toISOString()
    const target = toTarget(message)
    const seq = await appendEvent(
      { kind: 'react', room, by: member.user, at, message: target, emoji, on },
      context,
    )
    return { seq }
  },
  { resources: messageResources, limit: { max: 120, windowMs: 60_000 } },
)

/** What somebody said last with an emoji, and the event that was. */
interface StoredReaction {
  seq: number
  on: boolean
}

/** The emojis of a message, whether somebody has them on, and the word of one person with each. */
async function readEmojis(id: MessageId, user: UserId) {
  const isTheirs = sql`filter (where ${reactions.userId} = ${user})`
  const rows = await db
    .select({
      emoji: reactions.emoji,
      isOn: sql<boolean>`bool_or(${reactions.on})`,
      on: sql<boolean | null>`bool_or(${reactions.on}) ${isTheirs}`,
      seq: sql<string | null>`max(${reactions.seq}) ${isTheirs}`,
    })
    .from(reactions)
    .where(eq(reactions.messageId, id))
    .groupBy(reactions.emoji)
  return rows.map(({ emoji, isOn, on, seq }) => ({
    emoji,
    isOn,
    word: on === null ? undefined : { seq: Number(seq), on },
  }))
}

/**
 * The same as the log knows it, which is ahead of the database. Undefined where that cannot be told:
 * to say it once more does no harm.
 */
async function findReaction(
  { message, user, emoji }: { message: Message; user: UserId; emoji: string },
  kept: StoredReaction = { seq: message.seq, on: false },
  context: Context,
): Promise<StoredReaction | undefined> {
  const { room } = message
  const notifyId = toNotifyId(message)
  const later = await context.readAfter(CHAT_MESSAGES, [chatRoom], { room }, kept.seq, maxEvents)
  const words = later?.flatMap(({ seq, data }) => {
    const isAbout = data.kind === 'react' && data.message.notifyId === notifyId
    return isAbout && data.by === user && data.emoji === emoji ? [{ seq, on: data.on }] : []
  })
  return words && (words.at(-1) ?? kept)
}
