import * as v from 'valibot'
import { type Context, FunctionError } from '#runtime'
import type { EngineName, EngineState } from '#schema/messages/translate'
import { TRANSLATE } from '#schema/streams'
import { createApertium } from './apertium.ts'
import { type Engine, EngineUnavailableError } from './engine.ts'
import { createLibreTranslate } from './libre-translate.ts'
import { createOllama } from './ollama.ts'

/** The URL of an engine; empty if the engine is not used. */
const Url = (name: string) =>
  v.pipe(
    v.optional(v.string(), ''),
    v.check(
      (url) => url === '' || URL.canParse(url),
      `${name} must be a URL, such as http://127.0.0.1:11434`,
    ),
    v.transform((url) => url.replace(/\/+$/, '')),
  )

export const TranslationEnv = v.object({
  OLLAMA_URL: Url('OLLAMA_URL'),
  OLLAMA_MODEL: v.optional(v.string(), 'gemma3'),
  LIBRETRANSLATE_URL: Url('LIBRETRANSLATE_URL'),
  LIBRETRANSLATE_API_KEY: v.optional(v.string()),
  APERTIUM_MODES: v.optional(v.string(), '/usr/share/apertium/modes'),
})
export type TranslationEnv = v.InferOutput<typeof TranslationEnv>

const probeTimeoutMs = 2_000

let engines: readonly Engine[] | undefined
const own = new Map<EngineName, EngineState>()
/**
 * The states that the latest run of `translate.probe` has found. It may have run in another
 * process.
 */
const shared = new Map<EngineName, EngineState>()

export function listEngines(env: TranslationEnv): readonly Engine[] {
  engines ??= [
    ...(env.OLLAMA_URL ? [createOllama({ url: env.OLLAMA_URL, model: env.OLLAMA_MODEL })] : []),
    ...(env.LIBRETRANSLATE_URL
      ? [
          createLibreTranslate({
            url: env.LIBRETRANSLATE_URL,
            apiKey: env.LIBRETRANSLATE_API_KEY,
          }),
        ]
      : []),
    createApertium(env.APERTIUM_MODES),
  ]
  return engines
}

export async function probeEngines(env: TranslationEnv, only?: EngineName): Promise<EngineState[]> {
  const probed = listEngines(env).filter(({ name }) => only === undefined || name === only)
  const states = await Promise.all(probed.map(probe))
  for (const state of states) own.set(state.name, state)
  return states
}

/**
 * Adopts the results of another process's probe. A failure in this process outranks them, because
 * this process may not reach an engine that others reach. Then probes the engines that have failed
 * in this process, and the engines on this machine.
 */
export async function adoptProbe(states: readonly EngineState[], env: TranslationEnv) {
  for (const state of states) shared.set(state.name, state)
  const stale = listEngines(env).filter(
    ({ name, isLocal }) => isLocal || own.get(name)?.available === false,
  )
  await Promise.all(stale.map(({ name }) => probeEngines(env, name)))
}

export async function findEngineStates(
  context: Context<TranslationEnv>,
): Promise<readonly EngineState[]> {
  const { env } = context
  if (own.size === 0) await probeEngines(env)
  if (shared.size === 0) {
    const entry = await context.kv(TRANSLATE).get('health')
    for (const state of entry?.value.engines ?? []) shared.set(state.name, state)
  }
  return listEngines(env).flatMap(({ name, isLocal }) => {
    const state = own.get(name)
    if (isLocal || state?.available === false) return state ?? []
    return shared.get(name) ?? state ?? []
  })
}

export function requireEngine(name: EngineName, env: TranslationEnv): Engine {
  const engine = listEngines(env).find((candidate) => candidate.name === name)
  if (!engine) throw new FunctionError('unavailable', `The engine ${name} is not configured`)
  return engine
}

export function describeUnavailable(states: readonly EngineState[]) {
  const [first] = states
  return {
    reason: states.map(({ reason }) => reason).join('; '),
    ...(first?.remedy === undefined ? {} : { remedy: first.remedy }),
  }
}

async function probe({ name, probe }: Engine): Promise<EngineState> {
  try {
    const pairs = await probe(AbortSignal.timeout(probeTimeoutMs))
    return { name, available: true, ...(pairs ? { pairs } : {}) }
  } catch (error) {
    const { message } = error as Error
    const remedy = error instanceof EngineUnavailableError ? error.remedy : undefined
    return { name, available: false, reason: message, ...(remedy ? { remedy } : {}) }
  }
}
