import { readCaller } from '#domain/rooms/member'
import { defineFunction } from '#runtime'
import { translateCancel, translationCancelled } from '#schema/messages/translate'

export default defineFunction(
  translateCancel,
  ({ msgKey }, context) => {
    context.publish(translationCancelled, { user: readCaller(context), msgKey })
    return {}
  },
  { limit: { max: 240, windowMs: 60_000 } },
)
