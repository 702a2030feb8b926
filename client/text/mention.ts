import { candidatesOf, mentionPattern } from '#schema/text/mentions'
import type { Inline } from './tree.ts'

/** Finds mentions by the same rule as the server. */
export function readMentions(text: string): Inline[] {
  const nodes: Inline[] = []
  let end = 0
  for (const { 0: match, 1: name = '', index } of text.matchAll(mentionPattern())) {
    if (index > end) nodes.push({ kind: 'text', text: text.slice(end, index) })
    nodes.push({ kind: 'mention', name })
    end = index + match.length
  }
  if (end < text.length) nodes.push({ kind: 'text', text: text.slice(end) })
  return nodes
}

/**
 * Returns the user id or group name to which a name after `@` refers. `rest` is the end of `name`
 * that does not belong to the mention. Returns undefined if the server has not resolved the name.
 */
export function resolveMention<Target extends string>(
  name: string,
  mentions: readonly Target[],
  handleOf?: (user: Target) => string,
) {
  for (const candidate of candidatesOf(name)) {
    const target = mentions.find(
      (mention) => mention === candidate || handleOf?.(mention).toLowerCase() === candidate,
    )
    if (target !== undefined) return { target, rest: name.slice(candidate.length) }
  }
  return undefined
}
