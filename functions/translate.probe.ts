import { probeEngines, TranslationEnv } from '#domain/translation/engines'
import { defineFunction, schedule } from '#runtime'
import { translationProbed } from '#schema/messages/translate'
import { TRANSLATE } from '#schema/streams'

export default defineFunction(
  schedule({ everyMs: 30_000 }),
  async (_tick, { env, kv, publish }) => {
    const engines = await probeEngines(env)
    await kv(TRANSLATE).put('health', { engines })
    publish(translationProbed, { engines })
  },
  { env: TranslationEnv, resources: [TRANSLATE] },
)
