import { defineFunction, event } from '#runtime'
import { logRoom } from '#schema/messages/log'
import { CHAT_MESSAGES, MSG_CACHE, ROOMS_KV } from '#schema/streams'
import { fanOut } from './_fanout.ts'

/** Tells a room what has happened in it, as soon as the log has it. */
export default defineFunction(event(logRoom, { queue: 'fanout-workers' }), fanOut, {
  uses: [CHAT_MESSAGES, MSG_CACHE, ROOMS_KV],
})
