import type { MarkedToken, Token } from 'marked'
import { lexMessage } from './lexer.ts'
import { mentionPattern } from './mentions.ts'

/**
 * A part of a message. A part of the kind `text` is translated. A `protected` part must occur
 * unchanged in the translation: code, links, images, mentions, room names and emoji codes. `markup`
 * is everything else, such as `**` and line breaks.
 */
export interface MessagePart {
  kind: 'text' | 'markup' | 'protected'
  text: string
}

const protectedInText = new RegExp(
  [
    mentionPattern().source,
    String.raw`(?<![\w#&])#[\p{L}\p{N}_-]{1,64}`,
    String.raw`(?<![\w:]):[a-z0-9_+-]{1,64}:(?![\w:])`,
  ].join('|'),
  'giu',
)

/** Splits a message into parts. Their texts, concatenated, are the message. */
export function splitForTranslation(message: string): MessagePart[] {
  const parts: MessagePart[] = []
  let end = 0
  const add = (kind: MessagePart['kind'], text: string) => text && parts.push({ kind, text })

  /**
   * Adds the next occurrence of a token's source, and the markup before it. Returns false if the
   * source does not occur.
   */
  function take(kind: 'text' | 'protected', source: string): boolean {
    const start = source ? message.indexOf(source, end) : -1
    if (start < 0) return false
    add('markup', message.slice(end, start))
    if (kind === 'protected') add('protected', source)
    else for (const part of splitText(source)) add(part.kind, part.text)
    end = start + source.length
    return true
  }

  // In a quote or a list, lines of the message begin with `>` or spaces that the source of a token
  // lacks. So if the whole source is not found, each line of the source is searched for.
  const takeLines = (kind: 'text' | 'protected', source: string) =>
    take(kind, source.trim()) || source.split('\n').map((line) => take(kind, line.trim()))

  function walk(tokens: Token[]) {
    for (const token of tokens as MarkedToken[]) {
      if (isProtected(token)) takeLines('protected', token.raw)
      else if (token.type === 'list') walk(token.items)
      else if (token.type === 'table')
        for (const cell of [token.header, ...token.rows].flat()) walk(cell.tokens)
      else if ('tokens' in token && token.tokens) walk(token.tokens)
      else if (token.type === 'text')
        for (const line of token.raw.split('\n')) take('text', line.trim())
    }
  }
  walk(lexMessage(message))
  add('markup', message.slice(end))
  return parts
}

function isProtected({ type }: MarkedToken) {
  return type === 'code' || type === 'codespan' || type === 'link' || type === 'image'
}

function splitText(text: string): MessagePart[] {
  const parts: MessagePart[] = []
  let end = 0
  for (const { 0: match, index } of text.matchAll(protectedInText)) {
    parts.push({ kind: 'text', text: text.slice(end, index) }, { kind: 'protected', text: match })
    end = index + match.length
  }
  return [...parts, { kind: 'text', text: text.slice(end) }]
}
