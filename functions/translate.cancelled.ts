import { leaveRun } from '#domain/translation/runs'
import { defineFunction, event } from '#runtime'
import { translationCancelled } from '#schema/messages/translate'

/** Has no queue group, because only the process that runs the translation knows the run. */
export default defineFunction(event(translationCancelled), leaveRun)
