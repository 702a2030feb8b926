import { Lexer, type MarkedOptions, type Token, Tokenizer, type Tokens } from 'marked'

/** What is nested deeper is shown as it was written. */
const maxDepth = 10
/** How far emphasis may look for its end in one message, all in all. */
const maxSearched = 150_000
/** How far text is read at once. What marked looks ahead for would else be looked for at every step. */
const windowLength = 512
const maxUrlLength = 2_048
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
  // A space more or less makes no difference after so many.
  const bounded = text.replace(/[ \t]{257,}/g, (run) => run.slice(0, 256))
  if (text.length > maxLength) return asWritten(bounded)
  const options = { gfm: true, breaks: true, tokenizer: new MessageTokenizer() }
  try {
    return new MessageLexer(options).lex(bounded)
  } catch {
    // A mistake in marked must not take the conversation around the message with it.
    return asWritten(bounded)
  }
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

  constructor(options: MarkedOptions) {
    super(options)
    // Nothing defines a link, and marked looks for them, slowly, only as long as there is this.
    Reflect.deleteProperty(this.tokens, 'links')
  }

  override blockTokens(src: string, tokens: Token[] = [], isClipped?: boolean): Lexer['tokens'] {
    // marked itself takes tokens without links for tokens with them, wherever something is nested.
    const found = tokens as Lexer['tokens']
    if (this.depth < maxDepth) return this.below(() => super.blockTokens(src, found, isClipped))
    if (src.trim()) found.push({ type: 'paragraph', raw: src, text: src, tokens: this.inline(src) })
    return found
  }

  override inlineTokens(src: string, tokens: Token[] = []): Token[] {
    if (this.depth < maxDepth) return this.below(() => super.inlineTokens(src, tokens))
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

function firstLines(src: string, count: number): string {
  let end = 0
  for (let line = 0; line < count && end >= 0; line += 1) end = src.indexOf('\n', end + 1)
  return end < 0 ? src : src.slice(0, end + 1)
}

class MessageTokenizer extends Tokenizer {
  private searched = 0

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

  /**
   * Rows are filled up to the width of the first one, so that 8,000 characters would make a million
   * cells. What is below the last row taken is the next table, or text.
   */
  override table(src: string) {
    const columns = src.slice(0, src.indexOf('\n')).split('|').length
    if (columns < 2 || columns > maxColumns) return undefined
    return super.table(firstLines(src, maxCells / columns))
  }

  /** Nothing is defined, so nothing is referred to. */
  override reflink() {
    return undefined
  }

  override emStrong(src: string, masked: string, before?: string) {
    const isOpening = /^([*_])\1*[^\s*_]/.test(src)
    if (!isOpening || this.searched > maxSearched) return undefined
    const found = super.emStrong(src, masked, before)
    // Inside a word, `_` is refused before anything is looked for.
    if (!src.startsWith('_') || !/\w/.test(before ?? ''))
      this.searched += found?.raw.length ?? src.length
    return found
  }

  override del(src: string, masked: string, before?: string) {
    if (!src.startsWith('~') || this.searched > maxSearched) return undefined
    const found = super.del(src, masked, before)
    this.searched += found?.raw.length ?? src.length
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
