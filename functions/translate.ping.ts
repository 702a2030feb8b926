import {
  describeUnavailable,
  findEngineStates,
  probeEngines,
  TranslationEnv,
} from '#domain/translation/engines'
import { defineFunction } from '#runtime'
import { translatePing } from '#schema/messages/translate'
import { TRANSLATE } from '#schema/streams'

export default defineFunction(
  translatePing,
  async (_input, context) => {
    const engines = [...(await findEngineStates(context))]
    const available = engines.some((engine) => engine.available)
    return { available, ...(available ? {} : describeUnavailable(engines)), engines }
  },
  {
    env: TranslationEnv,
    resources: [TRANSLATE],
    limit: { max: 60, windowMs: 60_000 },
    // Probes the engines, so that translations are possible before the first run of `translate.probe`.
    async beforeServe({ env, log }) {
      const engines = await probeEngines(env)
      if (engines.some((engine) => engine.available)) return
      const { reason, remedy } = describeUnavailable(engines)
      const advice = remedy === undefined ? '' : `; try: ${remedy}`
      log.info(`translation unavailable: ${reason}${advice}`)
    },
  },
)
