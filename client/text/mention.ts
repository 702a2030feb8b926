import type { UserId } from '#schema/ids'
import type { Inline } from './tree.ts'

/** Text with the people it names: the same names that the server finds in it. */
export function readMentions(text: string): Inline[] {
  const found: Inline[] = []
  let end = 0
  for (const { 0: written, 1: user = '', index } of text.matchAll(
    /(?<![\w@])@([a-z0-9_-]{1,64})(?![\w-])/g,
  )) {
    if (index > end) found.push({ kind: 'text', text: text.slice(end, index) })
    found.push({ kind: 'mention', user: user as UserId })
    end = index + written.length
  }
  if (end < text.length) found.push({ kind: 'text', text: text.slice(end) })
  return found
}
