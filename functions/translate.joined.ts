import { joinRun } from '#domain/translation/runs'
import { defineFunction, event } from '#runtime'
import { translationJoined } from '#schema/messages/translate'

/** Has no queue group, because the event must reach the process that runs the translation. */
export default defineFunction(event(translationJoined), ({ key, ...listener }) =>
  joinRun(key, listener),
)
