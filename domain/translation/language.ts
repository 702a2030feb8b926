import type { MessagePart } from '#schema/text/translatable'
import type { Pairs } from './engine.ts'

/** Two languages count as similar if the lower score is at least this share of the higher score. */
const similarity = 0.9
const minLetters = 40

export interface DetectedLanguage {
  /** Undefined if the text is too short or mixes languages. */
  language: string | undefined
  scores: Readonly<Record<string, number>>
}

export function primarySubtag(language: string): string {
  return language.toLowerCase().split('-')[0] ?? ''
}

export function textOf(parts: readonly MessagePart[]): string {
  return parts.flatMap(({ kind, text }) => (kind === 'text' ? [text] : [])).join(' ')
}

export async function detectLanguage(text: string): Promise<DetectedLanguage> {
  // The smallest data set of eld, the language detector. It is loaded at the first translation,
  // because even the smallest one needs 90 MB.
  const { eld } = await import('eld/extrasmall')
  const result = eld.detect(text)
  return {
    language: result.isReliable() ? result.language : undefined,
    scores: result.getScores(),
  }
}

/**
 * Returns the source language for an engine with these pairs: of the likely languages, the likeliest
 * from which the engine can translate into `to`. Returns `unsupported` if there is none.
 */
export function chooseSource(
  { language, scores }: DetectedLanguage,
  to: string,
  pairs: Pairs,
): string | 'unsupported' | undefined {
  if (!pairs) return language
  const sources = Object.keys(pairs).filter((from) => pairs[from]?.includes(to))
  if (language !== undefined && sources.includes(language)) return language
  const best = sources.toSorted((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0))[0]
  const bestScore = best === undefined ? 0 : (scores[best] ?? 0)
  const isLikely = bestScore >= similarity * Math.max(...Object.values(scores), 0)
  if (best !== undefined && isLikely && (bestScore > 0 || sources.length === 1)) return best
  return 'unsupported'
}

export async function isOtherLanguage(text: string, expected: string): Promise<boolean> {
  if ((text.match(/\p{L}/gu)?.length ?? 0) < minLetters) return false
  const { language, scores } = await detectLanguage(text)
  if (language === undefined || language === expected) return false
  // A translation may still contain words of the source language that the engine did not know. They
  // can make the text look like a similar language, so a language with a similar score is accepted.
  return (scores[expected] ?? 0) < similarity * (scores[language] ?? 0)
}
