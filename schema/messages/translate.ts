import * as v from 'valibot'
import type { Contract, Topic } from '#runtime'
import { MessageId, NotifyId, UserId } from '../ids.ts'
import { Text } from './chat.ts'
import { Language } from './prefs.ts'

/**
 * Key that the client chooses for its request. Each piece of the translation contains it, so that
 * the client knows to which request the piece belongs.
 */
const MsgKey = v.pipe(v.string(), v.regex(/^[\w.:-]{1,128}$/))
const EngineName = v.picklist(['ollama', 'libretranslate', 'apertium'])
export type EngineName = v.InferOutput<typeof EngineName>

const order = { targetLang: Language, msgKey: MsgKey }

/**
 * `translate.request`: starts the translation of a message that the caller may read, or of the
 * given text. The translation follows in pieces on `deliver.{user}.translate.response`. The last
 * piece has `done: true`, even after an error. Returns `forbidden` if the message does not exist, was
 * deleted or may not be read by the caller. Returns `not_found` if no engine translates between the
 * two languages, and `unavailable` if no engine is available.
 */
export const translateRequest = {
  subject: 'translate.request',
  input: v.union([
    v.strictObject({
      ...order,
      notifyId: NotifyId,
      /** A message in one of these languages is not translated. */
      skip: v.optional(v.pipe(v.array(Language), v.maxLength(8))),
    }),
    v.strictObject({ ...order, text: v.pipe(Text, v.maxLength(8_000)) }),
  ]),
  output: v.object({
    /** `skipped`: the text is in a language of `skip`, and no piece follows. */
    state: v.picklist(['started', 'cached', 'skipped']),
    engine: v.optional(EngineName),
    /**
     * Language of the text. Undefined if `translate.request` cannot detect the language. The engine
     * then detects it.
     */
    from: v.optional(v.string()),
  }),
  audience: ['everyone'],
  // The first call in a process is slow, because it loads the data for the detection of languages.
  timeoutMs: 10_000,
  description: 'Translates a message',
  errors: ['forbidden', 'not_found', 'rate_limited'],
} as const satisfies Contract

const PieceError = v.object({
  code: v.picklist([
    'cancelled',
    'conflict',
    'internal',
    'not_found',
    'overloaded',
    'timeout',
    'unavailable',
    /** The engine's output is not a translation of the text. */
    'unusable',
  ]),
  message: v.string(),
})
export type PieceError = v.InferOutput<typeof PieceError>

/** Published to the caller of `translate.request` for each piece of the translation, in order. */
export const deliverTranslation = {
  subject: 'deliver.{user}.translate.response',
  data: v.object({
    user: UserId,
    msgKey: MsgKey,
    targetLang: v.string(),
    translatedText: v.string(),
    /**
     * Total length of the texts of all earlier pieces. If the client has less, it has missed a
     * piece.
     */
    offset: v.number(),
    done: v.boolean(),
    engine: EngineName,
    from: v.optional(v.string()),
    error: v.optional(PieceError),
  }),
  push: true,
} as const satisfies Topic
export type TranslationPiece = v.InferOutput<typeof deliverTranslation.data>

/**
 * A call that tests whether a user still has a client: if not, the user gets no more pieces. It is
 * sent to the subject on which the user receives the pieces of translations. It fails with
 * `unavailable` if no client of the user subscribes to that subject.
 */
export const translationClients = {
  subject: deliverTranslation.subject,
  input: v.strictObject({ user: UserId }),
  output: v.object({}),
  audience: ['functions'],
  timeoutMs: 500,
} as const satisfies Contract

const EngineState = v.object({
  name: EngineName,
  available: v.boolean(),
  reason: v.optional(v.string()),
  remedy: v.optional(v.string()),
  /**
   * For each source language, its target languages. Undefined if the engine translates between all.
   */
  pairs: v.optional(v.record(v.string(), v.array(v.string()))),
})
export type EngineState = v.InferOutput<typeof EngineState>

export const EngineStates = v.object({ engines: v.array(EngineState) })

/**
 * `translate.ping`: returns whether translations are possible, and a list of the engines, best
 * first.
 */
export const translatePing = {
  subject: 'translate.ping',
  input: v.strictObject({}),
  output: v.object({
    available: v.boolean(),
    reason: v.optional(v.string()),
    remedy: v.optional(v.string()),
    engines: v.array(EngineState),
  }),
  audience: ['everyone'],
  description: 'Returns whether translations are possible',
} as const satisfies Contract

/**
 * `translate.cancel`: ends a translation for the caller. The last piece that the caller receives
 * has the error `cancelled`. The engine stops if no other caller waits for the same translation.
 * Has no effect for an unknown `msgKey`.
 */
export const translateCancel = {
  subject: 'translate.cancel',
  input: v.strictObject({ msgKey: MsgKey }),
  output: v.object({}),
  audience: ['everyone'],
  description: 'Cancels a translation',
} as const satisfies Contract

const Listener = { user: UserId, msgKey: MsgKey }

const run = {
  ...Listener,
  /**
   * Key of the running translation. For a message, the same key is used in TRANSLATE_CACHE. For a
   * given text, it is random.
   */
  key: v.string(),
  message: v.optional(v.object({ notifyId: NotifyId, id: MessageId })),
  text: v.string(),
  targetLang: v.string(),
  from: v.optional(v.string()),
  engine: EngineName,
}

/**
 * `translate.run`: lets an engine translate a text, and publishes the pieces. `translate.request` publishes this
 * call without waiting for an answer.
 */
export const translateRun = {
  subject: 'translate.run',
  input: v.strictObject(run),
  output: v.object({}),
  audience: ['functions'],
  timeoutMs: 120_000,
  description: 'Lets an engine translate a text',
} as const satisfies Contract
export type TranslationOrder = v.InferOutput<typeof translateRun.input>

export const translationOrdered = {
  subject: translateRun.subject,
  data: translateRun.input,
} as const satisfies Topic

/**
 * Published to all processes when a user requests a translation that is already running. The
 * process that runs it then sends its pieces to this user too.
 */
export const translationJoined = {
  subject: 'translate.joined',
  data: v.object({ key: v.string(), ...Listener }),
} as const satisfies Topic

/**
 * Published to all processes when a user cancels a translation. The process that runs it then sends
 * no more of its text to this user.
 */
export const translationCancelled = {
  subject: 'translate.cancelled',
  data: v.object(Listener),
} as const satisfies Topic

/** The states of the engines, published to all processes after each run of `translate.probe`. */
export const translationProbed = {
  subject: 'translate.probed',
  data: EngineStates,
} as const satisfies Topic

/** Published to all processes when an engine fails, so that each of them probes it. */
export const translationFailed = {
  subject: 'translate.failed',
  data: v.object({ engine: EngineName }),
} as const satisfies Topic
