import { leaveRun } from '#domain/translation/runs'
import { defineFunction, event } from '#runtime'
import { translationCancelled } from '#schema/messages/translate'

/** Has no queue group, because the event must reach the process that runs the translation. */
export default defineFunction(event(translationCancelled), leaveRun)
