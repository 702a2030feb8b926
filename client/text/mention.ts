import type { UserId } from '#schema/ids'
import type { Inline } from './tree.ts'

/** Splits text into mentions and the text between them, by the same rule as the server. */
export function readMentions(text: string): Inline[] {
  const nodes: Inline[] = []
  let end = 0
  for (const { 0: match, 1: user = '', index } of text.matchAll(
    /(?<![\w@])@([a-z0-9_-]{1,64})(?![\w-])/g,
  )) {
    if (index > end) nodes.push({ kind: 'text', text: text.slice(end, index) })
    nodes.push({ kind: 'mention', user: user as UserId })
    end = index + match.length
  }
  if (end < text.length) nodes.push({ kind: 'text', text: text.slice(end) })
  return nodes
}
