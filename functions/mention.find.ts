import { findReadPosition } from '#domain/messages/read-position'
import { findUnreadMention } from '#domain/messages/thread-state'
import { requireMember } from '#domain/rooms/member'
import { defineFunction } from '#runtime'
import { mentionFind } from '#schema/messages/thread'
import { ROOMS_KV } from '#schema/streams'

export default defineFunction(
  mentionFind,
  async ({ room }, context) => {
    const { user } = await requireMember(room, context)
    const mention = await findUnreadMention(room, user, await findReadPosition(room, user))
    return mention ? { mention } : {}
  },
  { resources: [ROOMS_KV], limit: { max: 300, windowMs: 60_000 } },
)
