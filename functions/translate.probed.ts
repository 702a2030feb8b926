import { adoptProbe, TranslationEnv } from '#domain/translation/engines'
import { defineFunction, event } from '#runtime'
import { translationProbed } from '#schema/messages/translate'

/** Has no queue group, because each process adopts the result. */
export default defineFunction(
  event(translationProbed),
  ({ engines }, { env }) => adoptProbe(engines, env),
  { env: TranslationEnv },
)
