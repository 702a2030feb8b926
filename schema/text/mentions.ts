import type { MarkedToken, Token } from 'marked'
import { lexMessage } from './lexer.ts'

const maxNames = 50

const maxNameLength = 128

/**
 * Returns a regular expression that matches each `@name` in a text. Use it only on text outside
 * markdown markup: it would also match in code and links. Like a handle, a name may contain dots or
 * be an e-mail address.
 */
export const mentionPattern = () =>
  /(?<![\w@])@([a-z0-9_-]+(?:[.+][a-z0-9_-]+)*(?:@[a-z0-9_-]+(?:\.[a-z0-9_-]+)*)?)(?![\w-])/gi

/**
 * Returns the ids and handles, in lower case, that a name after `@` may refer to, the longest
 * first. In `@ann.smith`, the user may be `ann.smith` or `ann`: a dot, `+` or `@` may already
 * belong to the text after the name. So may a hyphen or an underscore at the end, as in `@ann-`.
 */
export function candidatesOf(name: string): string[] {
  const ends = [...name.matchAll(/[.+@]/g)].map(({ index }) => index)
  const starts = [name.length, ...ends.toReversed()].map((end) => name.slice(0, end).toLowerCase())
  const candidates = starts.flatMap((start) => [start, start.replace(/[-_]+$/, '')])
  return [...new Set(candidates)].filter(({ length }) => length > 0 && length <= maxNameLength)
}

/**
 * Returns the names after `@` in a message, as they are written: each name once, and at most 50
 * names. Skips code, links and images.
 */
export function findMentionedNames(text: string): string[] {
  if (!text.includes('@')) return []
  const names = new Set(
    textsOf(lexMessage(text)).flatMap((part) =>
      [...part.matchAll(mentionPattern())].map(([, name = '']) => name),
    ),
  )
  return [...names].slice(0, maxNames)
}

/**
 * Returns the texts between markup. Joins adjacent text tokens, because the page shows them as one
 * text.
 */
function textsOf(tokens: Token[]): string[] {
  const texts: string[] = []
  let text = ''
  const flush = () => {
    texts.push(text)
    text = ''
  }
  for (const token of tokens as MarkedToken[]) {
    if (token.type === 'text' && !token.tokens) text += token.raw
    else if (token.type === 'escape') text += token.text
    else {
      flush()
      texts.push(...textsOf(childrenOf(token)))
    }
  }
  flush()
  return texts
}

function childrenOf(token: MarkedToken): Token[] {
  switch (token.type) {
    case 'code':
    case 'codespan':
    case 'link':
    case 'image':
      return []
    case 'list':
      return token.items
    case 'table':
      return [token.header, ...token.rows].flat().flatMap(({ tokens }) => [...tokens, separator])
    default:
      return 'tokens' in token ? (token.tokens ?? []) : []
  }
}

/** Separates the texts of two table cells, so that a name never continues in the next cell. */
const separator: Token = { type: 'br', raw: '\n' }
