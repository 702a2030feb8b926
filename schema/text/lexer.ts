import { Lexer, type Token, Tokenizer, type Tokens } from 'marked'

/** Maximum nesting depth. Deeper blocks are shown as source text. */
const maxDepth = 10
/**
 * To find the end of emphasis or of a link, marked (the Markdown library) scans the text after its
 * start. This is the maximum total length of these scans in one message.
 */
const maxSearchedLength = 60_000
/**
 * Maximum length of the plain text that is passed to marked at once. At each of its steps, marked
 * scans all of the passed text, so a long text would take too long.
 */
const windowLength = 512
const maxUrlLength = 2_048
const maxBackticks = 300
/**
 * Maximum number of lines such as `|---|---|`, which follow the head of a table. For each of them,
 * marked scans all text below it.
 */
const maxDelimiterRows = 60
const maxColumns = 64
const maxCells = 2_000
const maxLength = 32_000

/**
 * Returns marked's tokens of a message. Takes only milliseconds, whatever the message contains.
 * Differs from Markdown: HTML is shown as text, there are no link definitions or underlined
 * headings, and a quote ends after its last line that begins with `>`.
 */
export function lexMessage(text: string): Token[] {
  const sanitized = sanitize(text)
  if (
    sanitized.length > maxLength ||
    hasMore(/^[ \t]*[|:-][|: \t-]*$/gm, sanitized, maxDelimiterRows)
  )
    return asPlainText(sanitized)
  try {
    return new MessageLexer(new MessageTokenizer(sanitized)).lex(sanitized)
  } catch {
    // If marked throws, the message is shown as plain text, so that the rest of the conversation is
    // displayed.
    return asPlainText(sanitized)
  }
}

/**
 * Removes bidi overrides, which can disguise text. Replaces control characters and shortens long
 * whitespace.
 */
function sanitize(text: string): string {
  return text
    .toWellFormed()
    .replace(/\r\n?/g, '\n')
    .replace(/[\u202d\u202e]/g, '')
    .replace(/(?![\t\n])\p{Cc}/gu, '\ufffd')
    .replace(/[ \t]{257,}/g, (run) => run.slice(0, 256))
    .replace(/(?:[ \t]*\n){65,}/g, '\n'.repeat(64))
}

function asPlainText(text: string): Token[] {
  return [{ type: 'paragraph', raw: text, text, tokens: [toTextToken(text)] }]
}

function toTextToken(text: string): Tokens.Text {
  return { type: 'text', raw: text, text }
}

/** Limits the nesting depth, because thousands of nested quotes (`>`) would overflow the stack. */
class MessageLexer extends Lexer {
  private depth = 0

  constructor(tokenizer: MessageTokenizer) {
    super({ gfm: true, breaks: true, tokenizer })
    // Without `links`, marked skips its slow search for reference links.
    Reflect.deleteProperty(this.tokens, 'links')
  }

  override blockTokens(src: string, tokens: Token[] = [], isClipped?: boolean): Lexer['tokens'] {
    const list = tokens as Lexer['tokens']
    if (this.depth < maxDepth) this.nested(() => super.blockTokens(src, list, isClipped))
    else if (src.trim()) list.push(...asPlainText(src))
    return list
  }

  override inlineTokens(src: string, tokens: Token[] = []): Token[] {
    const isReadable = this.depth < maxDepth && !hasMore(/`+/g, src, maxBackticks)
    if (isReadable) return this.nested(() => super.inlineTokens(src, tokens))
    tokens.push(toTextToken(src))
    return tokens
  }

  private nested<T>(read: () => T): T {
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

/** Splits a row of a table at its pipes, except those after a backslash, as marked does. */
function splitRow(line: string): string[] {
  const cells = line
    .replace(/\\*\|/g, (pipe) => (pipe.length % 2 === 1 ? `${pipe.slice(0, -1)}\0` : pipe))
    .split('\0')
    .map((cell) => cell.trim().replaceAll('\\|', '|'))
  return cells[0] === '' ? cells.slice(1) : cells
}

/**
 * A mention may contain an e-mail address: `@ann@example.org`. `mentionStart` matches the `@` at
 * the end of a text, and `mentionedAddress` matches the address after it.
 */
const mentionStart = /(?<![\w@])@$/
const mentionedAddress = /^[\w-]+(?:[.+][\w-]+)*@[\w-]+(?:\.[\w-]+)*/

class MessageTokenizer extends Tokenizer {
  private searched = 0
  private lengthAfterAt = -1
  private readonly delimiters: number

  constructor(text: string) {
    super()
    // marked scans text without delimiters quickly. So the assumed effort of a scan grows with the
    // share of delimiters in the text.
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

  /** The line below a quote is usually the user's reply, so it is not part of the quote. */
  override blockquote(src: string) {
    const quoted = /^(?: {0,3}>[^\n]*(?:\n|$))+/.exec(src)
    return quoted ? super.blockquote(quoted[0]) : undefined
  }

  /**
   * Ends a list before a line that begins with 16 or more list and quote markers, because marked
   * would take too long to remove them one by one.
   */
  override list(src: string) {
    if (!/^ {0,3}(?:[*+-]|\d{1,9}[.)])(?:\s|$)/.test(src)) return undefined
    const deep = src.search(/^(?: {0,3}(?:(?:[*+-]|\d{1,9}[.)])[ \t]+|>[ \t]*)){16}/m)
    return deep === 0 ? undefined : super.list(deep > 0 ? src.slice(0, deep) : src)
  }

  /**
   * Limits the number of cells. marked fills each row up to the number of columns, so 8,000
   * characters could make a million cells.
   */
  override table(src: string) {
    const [head] = /^[^\n]+(?=\n[ \t]*[|:-][|: \t-]*(?:\n|$))/.exec(src) ?? ['']
    const columns = head.split('|').length
    if (columns < 2 || columns > maxColumns) return undefined
    const table = super.table(firstLines(src, maxCells / columns))
    if (table) this.addExcessCells(table)
    return table
  }

  /** If a row has more cells than the head, marked drops the excess cells. Adds them again. */
  private addExcessCells({ raw, header, rows }: Tokens.Table) {
    const lines = raw.split('\n').slice(2)
    for (const [index, row] of rows.entries()) {
      const excess = splitRow(lines[index] ?? '').slice(header.length)
      row.push(
        ...excess.map((text) => ({
          text,
          tokens: this.lexer.inline(text),
          header: false,
          align: null,
        })),
      )
    }
  }

  override reflink() {
    return undefined
  }

  override link(src: string) {
    // Most brackets do not begin a link, so this cheap test comes before marked's expensive one.
    const label = /^!?\[(?:\\.|[^\\[\]]|\[(?:\\.|[^\\[\]])*\])*\]\(/s
    if (!label.test(src)) return undefined
    return this.search(src, 1, () => super.link(src))
  }

  override emStrong(src: string, masked: string, before?: string) {
    if (!/^([*_])\1{0,63}(?!\1)\S/.test(src)) return undefined
    // Inside a word, marked rejects `_` without a scan.
    const isInWord = src.startsWith('_') && /\w/.test(before ?? '')
    return this.search(src, isInWord ? 0 : this.delimiters, () =>
      super.emStrong(src, masked, before),
    )
  }

  override del(src: string, masked: string, before?: string) {
    if (!/^~~?(?!~)\S/.test(src)) return undefined
    return this.search(src, this.delimiters, () => super.del(src, masked, before))
  }

  private search<T extends Token>(src: string, effort: number, read: () => T | undefined) {
    if (this.searched > maxSearchedLength) return undefined
    const found = read()
    this.searched += (found?.raw ?? src).length * effort
    return found
  }

  override url(src: string) {
    if (src.length === this.lengthAfterAt && mentionedAddress.test(src)) return undefined
    if (!/^(?:https?:\/\/|www\.|mailto:|[\w.+-]{1,64}@)/i.test(src)) return undefined
    const window = src.slice(0, maxUrlLength + 1)
    const found = super.url(window)
    return found && found.raw.length <= maxUrlLength ? found : undefined
  }

  override inlineText(src: string) {
    const [address = ''] =
      src.length === this.lengthAfterAt ? (mentionedAddress.exec(src) ?? []) : []
    // Returns the whole e-mail address of the mention as one text. Otherwise, marked would treat
    // its first letter as text, and make a link of the rest.
    if (address) return { ...toTextToken(address), escaped: false }
    const text = this.readText(src)
    if (text && mentionStart.test(text.raw)) this.lengthAfterAt = src.length - text.raw.length
    return text
  }

  private readText(src: string) {
    if (src.length <= windowLength) return super.inlineText(src)
    const window = src.slice(0, windowLength)
    // Cuts between words. If it cut within a word, marked might read the rest of the word as the
    // start of a token, such as a link.
    const cut = window.search(/\s\S*$/)
    return super.inlineText(cut > 0 ? window.slice(0, cut) : window)
  }
}
