import type { EngineName, EngineState } from '#schema/messages/translate'
import type { MessagePart } from '#schema/text/translatable'

export interface TranslationJob {
  parts: readonly MessagePart[]
  /** Primary language subtag, such as `en`. Undefined if it is unknown. */
  from: string | undefined
  to: string
  signal: AbortSignal
}

/**
 * Language pairs of an engine: the target languages by source language, or undefined for all pairs.
 */
export type Pairs = EngineState['pairs']

export interface Engine {
  readonly name: EngineName
  /** Part of the keys of cached translations, so that a translation by another model is not a cache hit. */
  readonly model: string
  /** True for an engine on this machine, whose state other processes cannot know. */
  readonly isLocal: boolean
  /** Throws an EngineUnavailableError if the engine cannot be used. */
  probe(signal: AbortSignal): Promise<Pairs>
  /**
   * Yields the translation in pieces. Throws an EngineUnavailableError if the engine cannot be
   * used.
   */
  translate(job: TranslationJob): AsyncIterable<string>
}

export class EngineUnavailableError extends Error {
  override name = 'EngineUnavailableError'
  readonly remedy: string | undefined

  constructor(message: string, options: { remedy?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.remedy = options.remedy
  }
}

export async function fetchFrom(
  url: string,
  options: RequestInit & { signal: AbortSignal; remedy?: string },
): Promise<Response> {
  const { remedy, ...request } = options
  try {
    return await fetch(url, request)
  } catch (cause) {
    if (options.signal.aborted) throw options.signal.reason
    const { origin } = new URL(url)
    throw new EngineUnavailableError(`${origin} does not answer`, {
      cause,
      ...(remedy === undefined ? {} : { remedy }),
    })
  }
}
