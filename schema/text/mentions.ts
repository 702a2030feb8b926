import type { MarkedToken, Token } from 'marked'
import { lexMessage } from './lexer.ts'

const maxNames = 50

/** Matches each `@name` in a text without markdown. */
export const mentionPattern = () => /(?<![\w@])@([a-z0-9_-]{1,64})(?![\w-])/gi

/**
 * Returns the ids that a name after `@` may refer to, the likeliest first. A hyphen or an underscore
 * at the end of a name may be punctuation.
 */
export function candidatesOf(name: string): string[] {
  const id = name.toLowerCase()
  return [...new Set([id, id.replace(/[-_]+$/, '')])].filter((candidate) => candidate !== '')
}

/**
 * Returns the names after `@` in a message, as they are written, but only once and at most 50. Skips
 * code, links and images.
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

/** Returns the texts between markup. Adjacent text tokens are one text, as in the page. */
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

/** Keeps the texts of two cells apart. */
const separator: Token = { type: 'br', raw: '\n' }
