import { type Context, FunctionError } from '#runtime'
import type { MessageId, UserId } from '#schema/ids'
import {
  deliverTranslation,
  type PieceError,
  type TranslationOrder,
  translationClients,
  translationFailed,
} from '#schema/messages/translate'
import { TRANSLATE_RUNS } from '#schema/streams'
import { splitForTranslation } from '#schema/text/translatable'
import { findCached, storeTranslation } from './cache.ts'
import { EngineUnavailableError } from './engine.ts'
import { requireEngine, type TranslationEnv } from './engines.ts'
import { findOutputProblem, maxOutputLength } from './output-check.ts'

/** A translation run without output for this time is ended. */
const silenceMs = 15_000
const flushMs = 100
/**
 * Interval at which a run renews its lease in TRANSLATE_RUNS, and ends if it has no listeners any
 * more.
 */
const checkMs = 2_000

interface Listener {
  user: UserId
  msgKey: string
  sent: number
}

interface LastPiece {
  done: true
  error?: PieceError
}

type RunContext = Context<TranslationEnv>

const runs = new Map<string, Run>()

class UnusableOutputError extends Error {}

export async function runTranslation(order: TranslationOrder, context: RunContext): Promise<void> {
  const run = new Run(order, context)
  runs.set(order.key, run)
  let failure: PieceError | undefined
  do {
    failure = await run.translate()
    // The lease is deleted before the last piece is published. A request that finds the lease therefore still
    // joins in time for the last piece.
    if (order.message)
      await context
        .kv(TRANSLATE_RUNS)
        .delete(order.key)
        .catch(() => undefined)
  } while (failure && run.restart())
  run.end(failure)
  if (runs.get(order.key) === run) runs.delete(order.key)
}

/**
 * Adds a listener to a run. The first piece for this listener is the whole translation up to now.
 */
export function joinRun(key: string, listener: Pick<Listener, 'user' | 'msgKey'>): void {
  runs.get(key)?.join(listener)
}

export function leaveRun({ user, msgKey }: Pick<Listener, 'user' | 'msgKey'>): void {
  for (const run of runs.values()) run.leave(user, msgKey)
}

export function isRunning(key: string): boolean {
  return runs.has(key)
}

export function endRunsOf(id: MessageId): void {
  for (const run of runs.values())
    if (run.order.message?.id === id)
      run.abort(new FunctionError('conflict', 'The message has changed'))
}

class Run {
  readonly order: TranslationOrder
  readonly #context: RunContext
  #aborting = new AbortController()
  #isFinal = false
  #listeners: Listener[]
  #text = ''
  #flushing: ReturnType<typeof setTimeout> | undefined
  #flushedAt = 0

  constructor(order: TranslationOrder, context: RunContext) {
    const { user, msgKey } = order
    this.order = order
    this.#context = context
    this.#listeners = [{ user, msgKey, sent: 0 }]
  }

  join(listener: Pick<Listener, 'user' | 'msgKey'>) {
    this.#listeners.push({ ...listener, sent: 0 })
    if (this.#text && !this.#aborting.signal.aborted) this.#flush()
  }

  leave(user: UserId, msgKey: string) {
    const isLeaving = (listener: Listener) => listener.user === user && listener.msgKey === msgKey
    const leaving = this.#listeners.filter(isLeaving)
    if (leaving.length === 0) return
    const error = { code: 'cancelled', message: 'The translation was cancelled' } as const
    this.#publish(leaving, { done: true, error })
    this.#keep((listener) => !isLeaving(listener))
  }

  abort(reason: FunctionError) {
    this.#isFinal = true
    this.#aborting.abort(reason)
  }

  /**
   * Resets a run that was aborted because it had no listeners, if a listener has joined meanwhile.
   * Returns whether the run was reset.
   */
  restart(): boolean {
    const isAbandoned = this.#aborting.signal.aborted && !this.#isFinal
    if (!isAbandoned || this.#listeners.length === 0) return false
    this.#aborting = new AbortController()
    this.#text = ''
    for (const listener of this.#listeners) listener.sent = 0
    return true
  }

  async translate(): Promise<PieceError | undefined> {
    const { text, from, targetLang: to, engine: name } = this.order
    const parts = splitForTranslation(text)
    const signal = AbortSignal.any([this.#context.signal, this.#aborting.signal])
    const onSilence = () =>
      this.abort(new FunctionError('timeout', `No output for ${silenceMs / 1_000} seconds`))
    const silence = setTimeout(onSilence, silenceMs)
    const checking = setInterval(() => void this.#check(), checkMs)
    try {
      // Another run may have stored this translation after the request had read the cache.
      const cached = this.order.message && (await findCached(this.order.key, this.#context))
      if (cached) {
        this.#add(cached.translatedText)
        return undefined
      }
      const engine = requireEngine(name, this.#context.env)
      for await (const piece of engine.translate({ parts, from, to, signal })) {
        signal.throwIfAborted()
        silence.refresh()
        this.#add(piece)
        if (this.#text.length > maxOutputLength(text))
          throw new UnusableOutputError('it is too long')
      }
      const problem = await findOutputProblem(parts, this.#text, to)
      if (problem !== undefined) throw new UnusableOutputError(problem)
      await storeTranslation(this.order, this.#text, this.#context)
      return undefined
    } catch (error) {
      return this.#describe(signal.aborted ? signal.reason : error)
    } finally {
      clearTimeout(silence)
      clearInterval(checking)
    }
  }

  end(error: PieceError | undefined) {
    this.#flush({ done: true, ...(error ? { error } : {}) })
  }

  #add(piece: string) {
    this.#text += piece
    const waitMs = this.#flushedAt + flushMs - performance.now()
    if (waitMs <= 0) this.#flush()
    else this.#flushing ??= setTimeout(() => this.#flush(), waitMs)
  }

  #flush(last: LastPiece | { done: false } = { done: false }) {
    clearTimeout(this.#flushing)
    this.#flushing = undefined
    this.#flushedAt = performance.now()
    this.#publish(this.#listeners, last)
  }

  #publish(listeners: Listener[], last: LastPiece | { done: false }) {
    const { targetLang, engine, from } = this.order
    for (const listener of listeners) {
      const { user, msgKey, sent } = listener
      const translatedText = this.#text.slice(sent)
      if (!translatedText && !last.done) continue
      listener.sent = this.#text.length
      const piece = { user, msgKey, targetLang, translatedText, offset: sent, engine, ...last }
      this.#context.publish(deliverTranslation, from === undefined ? piece : { ...piece, from })
    }
  }

  async #check() {
    const { key, message } = this.order
    // If the lease cannot be renewed, another run of the same translation may start, which is harmless.
    if (message)
      this.#context
        .kv(TRANSLATE_RUNS)
        .put(key, {})
        .catch(() => undefined)
    const users = [...new Set(this.#listeners.map(({ user }) => user))]
    const absent = new Set<UserId>()
    await Promise.all(
      users.map(async (user) => {
        if (!(await hasClients(user, this.#context))) absent.add(user)
      }),
    )
    this.#keep(({ user }) => !absent.has(user))
  }

  #keep(isListening: (listener: Listener) => boolean) {
    this.#listeners = this.#listeners.filter(isListening)
    if (this.#listeners.length === 0)
      this.#aborting.abort(new FunctionError('cancelled', 'Nobody listens'))
  }

  #describe(error: unknown): PieceError {
    const { engine } = this.order
    if (error instanceof UnusableOutputError)
      return { code: 'unusable', message: `The output of the engine is refused: ${error.message}` }
    if (error instanceof EngineUnavailableError) {
      this.#context.log.warn({ err: error, engine }, 'translation engine failed')
      this.#context.publish(translationFailed, { engine })
      return { code: 'unavailable', message: error.message }
    }
    if (error instanceof FunctionError) return toPieceError(error)
    this.#context.log.error({ err: error, engine }, 'translation failed')
    return { code: 'internal', message: 'The translation failed' }
  }
}

async function hasClients(user: UserId, context: RunContext): Promise<boolean> {
  try {
    await context.call(translationClients, { user })
    return true
  } catch (error) {
    // This request only shows whether a client is subscribed, because clients never answer it. It
    // times out if at least one client is subscribed, and fails with `unavailable` if none is.
    return !(error instanceof FunctionError && error.code === 'unavailable')
  }
}

const codes: readonly string[] = [
  'cancelled',
  'conflict',
  'not_found',
  'overloaded',
  'timeout',
  'unavailable',
] satisfies PieceError['code'][]

export function toPieceError({ code, message }: { code: string; message: string }): PieceError {
  return { code: codes.includes(code) ? (code as PieceError['code']) : 'internal', message }
}
