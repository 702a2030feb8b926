import { defineFunction, stream } from '#runtime'
import { chatRoom } from '#schema/messages/log'
import { CHAT_MESSAGES } from '#schema/streams'
import { persist } from './_persist.ts'

/** Copies what happens in rooms from the log into the database. */
export default defineFunction(stream(CHAT_MESSAGES, chatRoom, { batch: 500 }), persist, {
  queue: 'persist-workers',
})
