import { joinRun } from '#domain/translation/runs'
import { defineFunction, event } from '#runtime'
import { translationJoined } from '#schema/messages/translate'

/** Has no queue group, because only the process that runs the translation knows the run. */
export default defineFunction(event(translationJoined), ({ key, ...listener }) =>
  joinRun(key, listener),
)
