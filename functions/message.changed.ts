import { defineFunction, event } from '#runtime'
import { messageChanged } from '#schema/messages/log'
import { forgetMessage } from './_message.ts'

/** Forgets a message that is not what it was: in every process, since each remembers for itself. */
export default defineFunction(event(messageChanged), ({ id }) => forgetMessage(id))
