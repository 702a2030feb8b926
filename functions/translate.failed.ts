import { probeEngines, TranslationEnv } from '#domain/translation/engines'
import { defineFunction, event } from '#runtime'
import { translationFailed } from '#schema/messages/translate'

/** Has no queue group: each process probes the engine that has failed for one of them. */
export default defineFunction(
  event(translationFailed),
  async ({ engine }, { env }) => {
    await probeEngines(env, engine)
  },
  { env: TranslationEnv },
)
