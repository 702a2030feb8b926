import { Lexer, type Token, Tokenizer, type Tokens } from 'marked'

/** What is nested deeper is shown as it was written. */
const maxDepth = 10
/** How far emphasis may look for its end in one message, all in all. */
const maxSearched = 60_000
/** How far text is read at once. What marked looks ahead for would else be looked for at every step. */
const windowLength = 512
const maxUrlLength = 2_048
const maxBackticks = 300
/** Lines that may be those below the head of a table: each is tried with all that follows it. */
const maxRules = 60
const maxColumns = 64
const maxCells = 2_000
/** Messages are shorter by far. */
const maxLength = 32_000

/**
 * What marked takes a message for. It is read a little differently than a document would be: HTML is
 * text, nothing is defined on a line that is not shown, a line of dashes makes no heading of the line
 * before it, a quote ends with its last `>`, and whatever it is, it takes milliseconds.
 */
export function lexMessage(text: string): Token[] {
  const tidied = tidy(text)
  if (tidied.length > maxLength || hasMore(/^[ \t]*[|:-][|: \t-]*$/gm, tidied, maxRules))
    return asWritten(tidied)
  try {
    return new MessageLexer(new MessageTokenizer(tidied)).lex(tidied)
  } catch {
    // A mistake in marked must not take the conversation around the message with it.
    return asWritten(tidied)
  }
}

/** Without what nobody can see or nobody misses. Overrides make text read other than it is. */
function tidy(text: string): string {
  return text
    .toWellFormed()
    .replace(/\r\n?/g, '\n')
    .replace(/[\u202d\u202e]/g, '')
    .replace(/(?![\t\n])\p{Cc}/gu, '\ufffd')
    .replace(/[ \t]{257,}/g, (run) => run.slice(0, 256))
    .replace(/(?:[ \t]*\n){65,}/g, '\n'.repeat(64))
}

function asWritten(text: string): Token[] {
  return [{ type: 'paragraph', raw: text, text, tokens: [literal(text)] }]
}

function literal(text: string): Tokens.Text {
  return { type: 'text', raw: text, text }
}

/** Goes down only so far: without that, thousands of `>` overflow the stack. */
class MessageLexer extends Lexer {
  private depth = 0

  constructor(tokenizer: MessageTokenizer) {
    super({ gfm: true, breaks: true, tokenizer })
    // Nothing defines a link, and marked looks for them, slowly, only as long as there is this.
    Reflect.deleteProperty(this.tokens, 'links')
  }

  override blockTokens(src: string, tokens: Token[] = [], isClipped?: boolean): Lexer['tokens'] {
    // marked itself takes tokens without links for tokens with them, wherever something is nested.
    const found = tokens as Lexer['tokens']
    if (this.depth < maxDepth) this.below(() => super.blockTokens(src, found, isClipped))
    else if (src.trim()) found.push(...asWritten(src))
    return found
  }

  override inlineTokens(src: string, tokens: Token[] = []): Token[] {
    const isReadable = this.depth < maxDepth && !hasMore(/`+/g, src, maxBackticks)
    if (isReadable) return this.below(() => super.inlineTokens(src, tokens))
    tokens.push(literal(src))
    return tokens
  }

  private below<T>(read: () => T): T {
    this.depth += 1
    try {
      return read()
    } finally {
      this.depth -= 1
    }
  }
}

function hasMore(pattern: RegExp, text: string, count: number): boolean {
  let left = count
  for (const _ of text.matchAll(pattern)) if (left-- === 0) return true
  return false
}

function firstLines(src: string, count: number): string {
  let end = 0
  for (let line = 0; line < count && end >= 0; line += 1) end = src.indexOf('\n', end + 1)
  return end < 0 ? src : src.slice(0, end + 1)
}

class MessageTokenizer extends Tokenizer {
  private searched = 0
  private readonly delimiters: number

  constructor(text: string) {
    super()
    // What is between delimiters is skipped almost at once.
    this.delimiters = 0.1 + (text.match(/[*_~]/g)?.length ?? 0) / text.length
  }

  override html() {
    return undefined
  }

  override tag() {
    return undefined
  }

  override def() {
    return undefined
  }

  override lheading() {
    return undefined
  }

  /** Only lines that begin with `>`: below a quote stands the answer to it. */
  override blockquote(src: string) {
    const quoted = /^(?: {0,3}>[^\n]*(?:\n|$))+/.exec(src)
    return quoted ? super.blockquote(quoted[0]) : undefined
  }

  /** Not where a line begins with more markers than anybody nests: they are peeled off one by one. */
  override list(src: string) {
    if (!/^ {0,3}(?:[*+-]|\d{1,9}[.)])(?:\s|$)/.test(src)) return undefined
    const deep = src.search(/^(?: {0,3}(?:(?:[*+-]|\d{1,9}[.)])[ \t]+|>[ \t]*)){16}/m)
    return deep === 0 ? undefined : super.list(deep > 0 ? src.slice(0, deep) : src)
  }

  /**
   * Rows are filled up to the width of the first one, so that 8,000 characters would make a million
   * cells. What is below the last row taken is the next table, or text.
   */
  override table(src: string) {
    const [head] = /^[^\n]+(?=\n[ \t]*[|:-][|: \t-]*(?:\n|$))/.exec(src) ?? ['']
    const columns = head.split('|').length
    if (columns < 2 || columns > maxColumns) return undefined
    return super.table(firstLines(src, maxCells / columns))
  }

  /** Nothing is defined, so nothing is referred to. */
  override reflink() {
    return undefined
  }

  override link(src: string) {
    // A cheap look at the brackets first: most are no link.
    const label = /^!?\[(?:\\.|[^\\[\]]|\[(?:\\.|[^\\[\]])*\])*\]\(/s
    if (!label.test(src)) return undefined
    return this.search(src, 1, () => super.link(src))
  }

  override emStrong(src: string, masked: string, before?: string) {
    if (!/^([*_])\1{0,63}(?!\1)\S/.test(src)) return undefined
    // Inside a word, `_` is refused before anything is looked for.
    const isInWord = src.startsWith('_') && /\w/.test(before ?? '')
    return this.search(src, isInWord ? 0 : this.delimiters, () =>
      super.emStrong(src, masked, before),
    )
  }

  override del(src: string, masked: string, before?: string) {
    if (!/^~~?(?!~)\S/.test(src)) return undefined
    return this.search(src, this.delimiters, () => super.del(src, masked, before))
  }

  /** Looks for the end of what begins here, unless too much has been looked through already. */
  private search<T extends Token>(src: string, effort: number, look: () => T | undefined) {
    if (this.searched > maxSearched) return undefined
    const found = look()
    this.searched += (found?.raw ?? src).length * effort
    return found
  }

  override url(src: string) {
    if (!/^(?:https?:\/\/|www\.|mailto:|[\w.+-]{1,64}@)/i.test(src)) return undefined
    const longest = src.slice(0, maxUrlLength + 1)
    const found = super.url(longest)
    return found && found.raw.length <= maxUrlLength ? found : undefined
  }

  override inlineText(src: string) {
    if (src.length <= windowLength) return super.inlineText(src)
    const window = src.slice(0, windowLength)
    // No word is cut in two, else its rest might look like the beginning of something.
    const cut = window.search(/\s\S*$/)
    return super.inlineText(cut > 0 ? window.slice(0, cut) : window)
  }
}
