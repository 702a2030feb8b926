import { LRUCache } from 'lru-cache'
import { findAudience } from '#domain/rooms/audience'
import { requireMember } from '#domain/rooms/member'
import { requireRight } from '#domain/rooms/roles'
import { defineFunction } from '#runtime'
import { deliverTyping, roomTyping, typing } from '#schema/messages/presence'
import { ROOMS_KV } from '#schema/streams'

/**
 * Who is known to be writing where: shown for 5 s, so every 3 s is often enough. Whoever makes up threads
 * is told of as often as their limit lets them ask.
 */
const lastSent = new LRUCache<string, true>({ max: 50_000, ttl: 3_000 })

/** Tells the others of a room that the caller is writing. */
export default defineFunction(
  typing,
  async ({ room, threadId }, context) => {
    const member = await requireMember(room, context)
    requireRight(member, 'speak')
    const key = `${room}.${member.user}.${threadId ?? ''}`
    if (lastSent.has(key)) return {}
    lastSent.set(key, true)

    const data = { room, userId: member.user, ...(threadId === undefined ? {} : { threadId }) }
    const audience = await findAudience(room, context)
    if (audience === 'everyone') context.publish(roomTyping, data)
    else {
      const others = audience.filter((user) => user !== member.user)
      context.publishEach(deliverTyping, 'user', others, data)
    }
    return {}
  },
  { resources: [ROOMS_KV], limit: { max: 120, windowMs: 60_000 } },
)
