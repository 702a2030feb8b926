import * as v from 'valibot'
import { TranslationEnv } from '#domain/translation/engines'
import { isRunning, runTranslation, toPieceError } from '#domain/translation/runs'
import { defineFunction } from '#runtime'
import { deliverTranslation, translateRun } from '#schema/messages/translate'
import { CHAT_MESSAGES, MSG_CACHE, TRANSLATE_CACHE, TRANSLATE_RUNS } from '#schema/streams'

export default defineFunction(
  translateRun,
  async (order, context) => {
    await runTranslation(order, context)
    return {}
  },
  {
    env: TranslationEnv,
    resources: [CHAT_MESSAGES, MSG_CACHE, TRANSLATE_CACHE, TRANSLATE_RUNS],
    // A higher concurrency is of no use, because an engine translates only one text or a few at the
    // same time.
    concurrency: 2,
    maxQueued: 100,
    onRejected(error, { data }, context) {
      const { success, output: order } = v.safeParse(translateRun.input, data)
      // A run that has already started publishes its last piece itself when it is aborted.
      if (!success || isRunning(order.key)) return
      const { user, msgKey, targetLang, engine } = order
      context.publish(deliverTranslation, {
        ...{ user, msgKey, targetLang, engine, translatedText: '', offset: 0 },
        done: true,
        error: toPieceError(error),
      })
      if (order.message)
        context
          .kv(TRANSLATE_RUNS)
          .delete(order.key)
          .catch(() => undefined)
    },
  },
)
