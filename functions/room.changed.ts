import { defineFunction, event } from '#runtime'
import { roomChanged } from '#schema/messages/room'
import { noteChange } from './_audience.ts'

/** Hears who came and went: in every process, since each remembers for itself. */
export default defineFunction(event(roomChanged), noteChange)
