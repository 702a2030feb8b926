import { LRUCache } from 'lru-cache'
import { maxEntries } from '#domain/cache/max-entries'
import { findAudience } from '#domain/rooms/audience'
import { requireMember } from '#domain/rooms/member'
import { requireRight } from '#domain/rooms/roles'
import { publishEncrypted } from '#domain/rooms/room-key'
import { defineFunction } from '#runtime'
import { deliverTyping, roomTyping, typing } from '#schema/messages/presence'
import { ROOMS_KV } from '#schema/streams'

/**
 * Keys of the events of the last 3 s: room, user and thread. A call with one of these keys
 * publishes nothing. Thread ids are not checked: only the rate limit restricts a client that
 * invents them.
 */
const recentlySent = new LRUCache<string, true>({ ...maxEntries(50_000), ttl: 3_000 })

export default defineFunction(
  typing,
  async ({ room, threadId }, context) => {
    const member = await requireMember(room, context)
    requireRight(member, 'speak')
    const key = `${room}.${member.user}.${threadId ?? ''}`
    if (recentlySent.has(key)) return {}
    recentlySent.set(key, true)

    const data = { room, userId: member.user, ...(threadId === undefined ? {} : { threadId }) }
    const audience = await findAudience(room, context)
    if (audience === 'everyone') context.publish(roomTyping, data)
    else if ('key' in audience) publishEncrypted(audience.key, { typing: data }, context)
    else {
      const others = audience.users.filter((user) => user !== member.user)
      context.publishEach(deliverTyping, 'user', others, data)
    }
    return {}
  },
  { resources: [ROOMS_KV], limit: { max: 120, windowMs: 60_000 } },
)
