import { desc, eq } from 'drizzle-orm'
import { messageResources, requireMessage } from '#domain/messages/change'
import { takeWithinBytes } from '#domain/messages/response-size'
import { requireRight } from '#domain/rooms/roles'
import { defineFunction } from '#runtime'
import { db } from '#schema/db'
import { msgVersions } from '#schema/messages/chat'
import { messageVersions } from '#schema/tables/message'

const maxVersions = 1_000

export default defineFunction(
  msgVersions,
  async ({ notifyId }, context) => {
    const { message, member } = await requireMessage(notifyId, context)
    if (message.sender !== member.user) requireRight(member, 'moderate')
    if (message.deletedAt) return { versions: [] }

    const stored = await db
      .select({ text: messageVersions.text, at: messageVersions.at })
      .from(messageVersions)
      .where(eq(messageVersions.messageId, message.id))
      .orderBy(desc(messageVersions.seq))
      .limit(maxVersions + 1)
    const versions = stored.slice(1).map(({ text, at }) => ({ text, at: at.toISOString() }))
    return { versions: takeWithinBytes(versions).reverse() }
  },
  { resources: messageResources, limit: { max: 120, windowMs: 60_000 } },
)
