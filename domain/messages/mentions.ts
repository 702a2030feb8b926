import { eq } from 'drizzle-orm'
import { type Context, FunctionError } from '#runtime'
import { db } from '#schema/db'
import type { RoomId, UserId } from '#schema/ids'
import type { Message } from '#schema/messages/chat'
import { hasRight } from '#schema/roles'
import { mentions as mentionRows } from '#schema/tables/message'
import { isGroupName } from '#schema/text/group-names'
import { candidatesOf, findMentionedNames } from '#schema/text/mentions'
import { findPresent } from '../presence/status.ts'
import { findMembers } from '../rooms/audience.ts'
import { findMember, type Member } from '../rooms/member.ts'

/** The event in CHAT_MESSAGES contains the id of each member whom `@here` mentions. */
const maxPresent = 5_000

export interface Mentions {
  /** User ids and group names. */
  mentions: UserId[]
  /** The members who were online when the text was sent, if it contains `@here`. */
  present?: UserId[]
}

/**
 * Resolves the mentions in a text. A name that is not a member of the room mentions nobody, and
 * neither does a group name in a thread or by a member without the right `mentionGroup`. Throws
 * `too_large` if `@here` would mention more than 5,000 members. Does not use the database.
 */
export async function resolveMentions(
  text: string,
  { room, isReply, by }: { room: RoomId; isReply: boolean; by: Member },
  context: Context,
): Promise<Mentions> {
  const mayMentionGroup = !isReply && hasRight(by, 'mentionGroup')
  const resolved = await Promise.all(
    findMentionedNames(text).map(async (name) => {
      for (const candidate of candidatesOf(name)) {
        const user = candidate as UserId
        if (isGroupName(user)) return mayMentionGroup ? user : undefined
        if (await findMember(room, context, user)) return user
      }
      return undefined
    }),
  )
  const mentions = [...new Set(resolved.filter((user) => user !== undefined))]
  if (!mentions.includes('here' as UserId)) return { mentions }
  return { mentions, present: await findPresentMembers(room, context) }
}

/** Returns the members whom `@here` in a persisted message mentions. */
export async function findPresentAtSend({ id, mentions }: Message): Promise<UserId[]> {
  const rows = await db
    .select({ user: mentionRows.userId })
    .from(mentionRows)
    .where(eq(mentionRows.messageId, id))
  return rows.map(({ user }) => user).filter((user) => !mentions.includes(user))
}

async function findPresentMembers(room: RoomId, context: Context): Promise<UserId[]> {
  const present = await findPresent(await findMembers(room, context), context)
  if (present.length > maxPresent)
    throw new FunctionError(
      'too_large',
      `@here would mention ${present.length} members; the maximum is ${maxPresent}, so use @all`,
    )
  return present.map(([user]) => user)
}
