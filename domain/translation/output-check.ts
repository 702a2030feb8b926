import type { MessagePart } from '#schema/text/translatable'
import { splitForTranslation } from '#schema/text/translatable'
import { isOtherLanguage, textOf } from './language.ts'

/**
 * Returns the maximum length of a plausible translation. The limit is high, because a translation
 * of Chinese, for example, is much longer than the original.
 */
export function maxOutputLength(source: string): number {
  return 6 * source.length + 200
}

export async function findOutputProblem(
  parts: readonly MessagePart[],
  output: string,
  to: string,
): Promise<string | undefined> {
  if (output.trim() === '') return 'it is empty'
  const lost = parts.find(
    ({ kind, text }) => kind === 'protected' && countOf(output, text) < countIn(parts, text),
  )
  if (lost) return `${lost.text} is missing in it`
  if (await isOtherLanguage(textOf(splitForTranslation(output)), to))
    return 'it is in another language'
  return undefined
}

function countIn(parts: readonly MessagePart[], text: string): number {
  return parts.filter((part) => part.kind === 'protected' && part.text === text).length
}

function countOf(output: string, text: string): number {
  return output.split(text).length - 1
}
