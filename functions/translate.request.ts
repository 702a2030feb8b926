import { findMessage } from '#domain/messages/message-cache'
import { readCaller } from '#domain/rooms/member'
import { mayRead } from '#domain/rooms/reader'
import { findCached, toCacheKey } from '#domain/translation/cache'
import {
  describeUnavailable,
  findEngineStates,
  requireEngine,
  TranslationEnv,
} from '#domain/translation/engines'
import { chooseSource, detectLanguage, primarySubtag, textOf } from '#domain/translation/language'
import { type Context, defineFunction, FunctionError } from '#runtime'
import type { NotifyId } from '#schema/ids'
import {
  deliverTranslation,
  type EngineName,
  type TranslationOrder,
  translateRequest,
  translationJoined,
  translationOrdered,
} from '#schema/messages/translate'
import {
  CHAT_MESSAGES,
  MSG_CACHE,
  ROOMS_KV,
  TRANSLATE,
  TRANSLATE_CACHE,
  TRANSLATE_RUNS,
} from '#schema/streams'
import { splitForTranslation } from '#schema/text/translatable'

export default defineFunction(
  translateRequest,
  async (input, context) => {
    const user = readCaller(context)
    const { msgKey } = input
    const to = primarySubtag(input.targetLang)
    const message = 'notifyId' in input ? await requireText(input.notifyId, context) : undefined
    const text = 'text' in input ? input.text : (message?.text ?? '')
    const words = textOf(splitForTranslation(text))
    const detected = await detectLanguage(words)
    const skip = 'skip' in input ? (input.skip ?? []).map(primarySubtag) : []
    const isSkipped = detected.language !== undefined && skip.includes(detected.language)
    if (isSkipped || !/\p{L}/u.test(words)) return { state: 'skipped' }

    const { name: engine, from } = await chooseEngine(detected, to, context)
    const source = from === undefined ? {} : { from }
    const run = { user, msgKey, text, targetLang: to, engine, ...source }
    if (!message) {
      context.publish(translationOrdered, { ...run, key: crypto.randomUUID() })
      return { state: 'started', engine, ...source }
    }
    const { id, notifyId } = message
    const key = toCacheKey({ id, text, to }, requireEngine(engine, context.env))
    const state = await start({ ...run, key, message: { id, notifyId } }, context)
    return { state, engine, ...source }
  },
  {
    env: TranslationEnv,
    queue: 'translate-workers',
    resources: [CHAT_MESSAGES, MSG_CACHE, ROOMS_KV, TRANSLATE, TRANSLATE_CACHE, TRANSLATE_RUNS],
    limit: { max: 120, windowMs: 60_000 },
  },
)

/** Throws the same `forbidden` error for every message whose text the caller cannot read. */
async function requireText(notifyId: NotifyId, context: Context) {
  const message = await findMessage(notifyId, context, { fresh: true })
  if (message && !message.deletedAt && (await mayRead(message.room, context)))
    return { id: message.id, notifyId, text: message.text }
  throw new FunctionError('forbidden', `Message ${notifyId} does not exist, or you may not read it`)
}

async function chooseEngine(
  detected: Awaited<ReturnType<typeof detectLanguage>>,
  to: string,
  context: Context<TranslationEnv>,
): Promise<{ name: EngineName; from: string | undefined }> {
  const states = await findEngineStates(context)
  const available = states.filter((state) => state.available)
  if (available.length === 0) {
    const { reason, remedy } = describeUnavailable(states)
    const details = remedy === undefined ? undefined : { remedy }
    throw new FunctionError('unavailable', `No translation: ${reason}`, { details })
  }
  for (const { name, pairs } of available) {
    const from = chooseSource(detected, to, pairs)
    if (from !== 'unsupported') return { name, from }
  }
  const from = detected.language ?? 'this language'
  throw new FunctionError('not_found', `No engine translates from ${from} into ${to}`)
}

async function start(
  order: TranslationOrder,
  context: Context<TranslationEnv>,
): Promise<'started' | 'cached'> {
  const { key, user, msgKey } = order
  const leases = context.kv(TRANSLATE_RUNS)
  for (;;) {
    if (await publishCached(order, context)) return 'cached'
    if (await leases.create(key, {})) {
      context.publish(translationOrdered, order)
      return 'started'
    }
    context.publish(translationJoined, { key, user, msgKey })
    // If the lease of the run is gone, the run may have ended before it received
    // `translationJoined`. The loop then starts again.
    if (await leases.get(key)) return 'started'
  }
}

async function publishCached(
  { key, user, msgKey, targetLang, engine }: TranslationOrder,
  context: Context<TranslationEnv>,
): Promise<boolean> {
  const cached = await findCached(key, context)
  if (!cached) return false
  context.publish(deliverTranslation, {
    ...{ user, msgKey, targetLang, engine, offset: 0, done: true },
    ...cached,
  })
  return true
}
