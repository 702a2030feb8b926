import { defineFunction } from '#runtime'
import { send } from '#schema/messages/chat'
import { say, sendOptions } from './_send.ts'

/** Says something in a room. */
export default defineFunction(send, say, sendOptions)
