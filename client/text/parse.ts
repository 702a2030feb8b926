import type { MarkedToken, Token, Tokens } from 'marked'
import type { UserId } from '#schema/ids'
import { isGroupName } from '#schema/text/group-names'
import { lexMessage } from '#schema/text/lexer'
import { isMisleading, parseLink } from './link.ts'
import { readMentions, resolveMention } from './mention.ts'
import type { Align, Block, Inline, ListItem } from './tree.ts'

/**
 * Parses the Markdown of a message. Markdown that is not supported stays text, and so does a link
 * whose URL is not allowed.
 */
export function parseMessage(text: string): Block[] {
  if (text !== last.text) last = { text, blocks: toBlocks(lexMessage(text)) }
  return last.blocks
}

/**
 * The result of the latest call. The page parses each message twice in a row, once to render its
 * text and once for its accessible name, so the second call returns this result.
 */
let last: { text: string; blocks: Block[] } = { text: '', blocks: [] }

function toBlocks(tokens: Token[]): Block[] {
  return tokens.flatMap((token) => toBlock(token as MarkedToken) ?? [])
}

function toBlock(token: MarkedToken): Block | undefined {
  switch (token.type) {
    case 'space':
    case 'checkbox':
      return undefined
    case 'heading':
      if (!token.text.trim()) return toSource(token)
      return { kind: 'heading', level: token.depth, children: toInlines(token.tokens) }
    case 'blockquote': {
      const children = toBlocks(token.tokens)
      return children.length > 0 ? { kind: 'quote', children } : toSource(token)
    }
    case 'list':
      return toList(token)
    case 'code':
      return toCode(token)
    case 'table':
      return toTable(token)
    case 'hr':
      return { kind: 'rule' }
    case 'paragraph':
    case 'text':
      return { kind: 'paragraph', children: toInlines(token.tokens ?? [token]) }
    default:
      return { kind: 'paragraph', children: toInlines([token]) }
  }
}

/** Shows the source of a block that would be invisible, such as a lone `>`. */
function toSource({ raw }: Token): Block {
  return { kind: 'paragraph', children: toLines(raw.trim(), false) }
}

function toList({ ordered, items }: Tokens.List): Block {
  const markers = ordered ? markersOf(items) : []
  return {
    kind: 'list',
    isOrdered: ordered,
    items: items.map((item, index) => toItem(item, markers[index])),
  }
}

/** Returns the numbers of the items. If all have the same number in the source, counts up from it. */
function markersOf(items: Tokens.ListItem[]): string[] {
  const markers = items.map(({ raw }) => /^\s*(\d+[.)])/.exec(raw)?.[1] ?? '')
  const [first = ''] = markers
  if (markers.some((marker) => marker !== first)) return markers
  return markers.map((marker, index) =>
    index === 0 ? marker : `${Number.parseInt(first, 10) + index}${first.slice(-1)}`,
  )
}

function toItem({ task, checked, tokens }: Tokens.ListItem, marker?: string): ListItem {
  return {
    ...(marker ? { marker } : {}),
    ...(task ? { isDone: checked === true } : {}),
    children: toBlocks(tokens),
  }
}

function toCode(token: Tokens.Code): Block {
  const { lang: info, text } = token
  if (!text.trim()) return toSource(token)
  const [language] = /^[\w+#.-]{1,32}/.exec(info ?? '') ?? []
  return {
    kind: 'code',
    ...(info ? { info: showBidiControls(info) } : {}),
    ...(language ? { language: language.toLowerCase() } : {}),
    text: showBidiControls(text),
  }
}

/** Makes bidi controls visible, because they can disguise what code does. */
function showBidiControls(code: string): string {
  return code.replace(/[\u202a-\u202e\u2066-\u2069]/g, '\ufffd')
}

const aligns = { left: 'start', center: 'center', right: 'end' } as const

function toTable({ align, header, rows }: Tokens.Table): Block {
  return {
    kind: 'table',
    aligns: align.map((side): Align => aligns[side ?? 'left']),
    header: header.map((cell) => toInlines(cell.tokens)),
    rows: rows.map(toRow),
  }
}

/** Removes the empty cells that the parser `marked` adds to the end of a short row. */
function toRow(cells: Tokens.TableCell[]): Inline[][] {
  const last = cells.findLastIndex(({ text }) => text !== '')
  return cells.slice(0, last + 1).map((cell) => toInlines(cell.tokens))
}

/** Joins adjacent text tokens, because a mention may begin in one of them and end in the next. */
function toInlines(tokens: Token[], isInLink = false): Inline[] {
  const nodes: Inline[] = []
  let text = ''
  const flush = () => {
    nodes.push(...toLines(text, isInLink))
    text = ''
  }
  for (const token of tokens as MarkedToken[]) {
    const node = toInline(token, isInLink)
    if (typeof node === 'string') {
      text += node
      continue
    }
    flush()
    nodes.push(node)
  }
  flush()
  return nodes
}

/**
 * In a link, a mention stays text: mentions are buttons, and a click on a button inside a link would be
 * ambiguous.
 */
function toLines(text: string, isInLink: boolean): Inline[] {
  return text.split('\n').flatMap((line, index): Inline[] => {
    const nodes: Inline[] = isInLink
      ? line
        ? [{ kind: 'text', text: line }]
        : []
      : readMentions(line)
    return index === 0 ? nodes : [{ kind: 'break' }, ...nodes]
  })
}

function toInline(token: MarkedToken, isInLink: boolean): Inline | string {
  switch (token.type) {
    case 'escape':
      return token.text
    case 'checkbox':
      return ''
    case 'br':
      return { kind: 'break' }
    case 'em':
      return { kind: 'emphasis', children: toInlines(token.tokens, isInLink) }
    case 'strong':
      return { kind: 'strong', children: toInlines(token.tokens, isInLink) }
    case 'del':
      return { kind: 'deleted', children: toInlines(token.tokens, isInLink) }
    case 'codespan':
      return { kind: 'code', text: showBidiControls(token.text) }
    case 'link':
      return isInLink ? token.raw : toLink(token)
    case 'image':
      return isInLink && parseLink(token.href)?.isWeb ? token.text : toImage(token)
    // Other tokens stay source text. `token.text` would differ from it: there, the parser `marked`
    // has decoded some character references and encoded `&`.
    default:
      return token.raw
  }
}

function toLink({ href, title, tokens, raw }: Tokens.Link): Inline | string {
  const target = parseLink(href)
  const children = toInlines(tokens, true)
  const label = textOf(children)
  // A link with an invisible text stays source text: the reader could not check it before opening
  // it.
  const isVisible = label.replace(/[\s\p{Default_Ignorable_Code_Point}]/gu, '') !== ''
  if (!target || !isVisible) return raw
  const host = isMisleading(`${label} ${title ?? ''}`, target) ? { host: target.host } : {}
  return { kind: 'link', href: target.href, ...host, ...(title ? { title } : {}), children }
}

function toImage({ href, title, text, raw }: Tokens.Image): Inline | string {
  const target = parseLink(href)
  if (!target?.isWeb) return raw
  const { host } = target
  return { kind: 'image', href: target.href, host, ...(title ? { title } : {}), description: text }
}

export interface MentionNames {
  mentions: readonly UserId[]
  nameOf: (user: UserId) => string
  handleOf?: (user: UserId) => string
}

export function textOf(nodes: Inline[], names?: MentionNames): string {
  return nodes.map((node) => textOfNode(node, names)).join('')
}

function textOfNode(node: Inline, names?: MentionNames): string {
  switch (node.kind) {
    case 'text':
    case 'code':
      return node.text
    case 'break':
      return '\n'
    case 'mention':
      return `@${textOfMention(node.name, names)}`
    case 'image':
      return node.description || node.host
    default:
      return textOf(node.children, names)
  }
}

function textOfMention(name: string, names: MentionNames | undefined): string {
  const mention = names && resolveMention(name, names.mentions, names.handleOf)
  if (!mention || isGroupName(mention.target)) return name
  return names.nameOf(mention.target) + mention.rest
}
