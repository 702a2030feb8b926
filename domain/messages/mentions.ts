import { eq } from 'drizzle-orm'
import * as v from 'valibot'
import { type Context, FunctionError } from '#runtime'
import { db } from '#schema/db'
import { type RoomId, UserId } from '#schema/ids'
import type { Message } from '#schema/messages/chat'
import { hasRight } from '#schema/roles'
import { mentions as mentionRows } from '#schema/tables/message'
import { isGroupName } from '#schema/text/group-names'
import { candidatesOf, findMentionedNames } from '#schema/text/mentions'
import { withTimeLimit } from '../cache/time-limit.ts'
import { findPresent } from '../presence/status.ts'
import { findMembers } from '../rooms/audience.ts'
import { findMember, type Member } from '../rooms/member.ts'
import { readUsersByHandle } from '../users/directory.ts'

/**
 * Maximum number of members whom `@here` may mention. It limits the size of the event in
 * CHAT_MESSAGES, which contains the id of each of these members.
 */
const maxPresent = 5_000
/** The lookup of handles in the database delays a message by at most this time. */
const handleTimeoutMs = 300

export interface Mentions {
  mentions: UserId[]
  present?: UserId[]
}

/**
 * Resolves the mentions in a text. Ignores names that are neither the id nor the handle of a member
 * of the room. Ignores group names, such as `@all`, in a thread or if the sender does not have the
 * permission `mentionGroup`. Throws `too_large` if `@here` would mention more than 5,000 members. Reads
 * handles from the database, and ignores them while the database does not answer.
 */
export async function resolveMentions(
  text: string,
  { room, isReply, by }: { room: RoomId; isReply: boolean; by: Member },
  context: Context,
): Promise<Mentions> {
  const mayMentionGroup = !isReply && hasRight(by, 'mentionGroup')
  const isMember = async (user: string) =>
    v.is(UserId, user) && (await findMember(room, context, user as UserId)) !== undefined
  const names = findMentionedNames(text).map(candidatesOf)
  const areIds = await Promise.all(
    names.map(([id = '']) => isGroupName(id as UserId) || isMember(id)),
  )
  const handles = await findHandles(names.filter((_, index) => !areIds[index]).flat(), context)
  const resolved = await Promise.all(
    names.map(async (candidates) => {
      for (const candidate of candidates) {
        if (isGroupName(candidate as UserId))
          return mayMentionGroup ? (candidate as UserId) : undefined
        for (const user of [candidate, handles.get(candidate)])
          if (user !== undefined && (await isMember(user))) return user as UserId
      }
      return undefined
    }),
  )
  const mentions = [...new Set(resolved.filter((user) => user !== undefined))]
  if (!mentions.includes('here' as UserId)) return { mentions }
  return { mentions, present: await findPresentMembers(room, context) }
}

async function findHandles(
  handles: readonly string[],
  { log }: Context,
): Promise<ReadonlyMap<string, UserId>> {
  if (handles.length === 0) return new Map()
  try {
    return await withTimeLimit(handleTimeoutMs, readUsersByHandle(handles))
  } catch (error) {
    log.warn({ err: error }, 'database unavailable, handles are ignored')
    return new Map()
  }
}

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
