import { defineFunction, event } from '#runtime'
import { logThread } from '#schema/messages/log'
import { CHAT_MESSAGES, MSG_CACHE, ROOMS_KV } from '#schema/streams'
import { fanOut } from './_fanout.ts'

/** Tells a room what was said in one of its threads, as soon as the log has it. */
export default defineFunction(event(logThread, { queue: 'fanout-workers' }), fanOut, {
  uses: [CHAT_MESSAGES, MSG_CACHE, ROOMS_KV],
})
