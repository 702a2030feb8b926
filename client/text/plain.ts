import { type MentionNames, parseMessage, textOf } from './parse.ts'
import type { Block, ListItem } from './tree.ts'

/** Returns one line of at most `max` UTF-16 code units, for notifications and screen readers. */
export function toPlainText(text: string, max: number, names?: MentionNames): string {
  const line = plainOf(parseMessage(text), names).replace(/\s+/g, ' ').trim()
  return shorten(line, max)
}

export function plainOf(blocks: Block[], names?: MentionNames): string {
  return blocks.map((block) => textOfBlock(block, names)).join(' ')
}

function textOfBlock(block: Block, names?: MentionNames): string {
  switch (block.kind) {
    case 'paragraph':
    case 'heading':
      return textOf(block.children, names)
    case 'quote':
      return plainOf(block.children, names)
    case 'list':
      return block.items.map((item) => textOfItem(item, names)).join(', ')
    case 'code':
      return block.text
    case 'table':
      return [block.header, ...block.rows]
        .map((row) => row.map((cell) => textOf(cell, names)).join(', '))
        .join('; ')
    case 'rule':
      return ''
  }
}

function textOfItem({ marker, isDone, children }: ListItem, names?: MentionNames): string {
  const box = isDone === undefined ? '' : isDone ? '☑' : '☐'
  return [marker, box, plainOf(children, names)].filter(Boolean).join(' ')
}

/** Never cuts within a character: one emoji may consist of ten code units. */
function shorten(line: string, max: number): string {
  if (line.length <= max) return line
  let shortened = ''
  for (const { segment } of new Intl.Segmenter().segment(line)) {
    if (shortened.length + segment.length > max - 1) break
    shortened += segment
  }
  return `${shortened.trimEnd()}…`
}
