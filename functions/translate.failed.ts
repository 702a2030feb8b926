import { probeEngines, TranslationEnv } from '#domain/translation/engines'
import { defineFunction, event } from '#runtime'
import { translationFailed } from '#schema/messages/translate'

/** Has no queue group: after an engine has failed in one process, every process probes it. */
export default defineFunction(
  event(translationFailed),
  async ({ engine }, { env }) => {
    await probeEngines(env, engine)
  },
  { env: TranslationEnv },
)
