import { type NameOf, parseMessage, textOf } from './parse.ts'
import type { Block } from './tree.ts'

/**
 * A message in one line of at most so many characters, as a notification shows it and a screen reader
 * says it. `nameOf` tells what people are called.
 */
export function toPlainText(text: string, max: number, nameOf: NameOf = (user) => user): string {
  const line = plainOf(parseMessage(text), nameOf).replace(/\s+/g, ' ').trim()
  return shorten(line, max)
}

/** The same in full. */
export function plainOf(blocks: Block[], nameOf: NameOf = (user) => user): string {
  return blocks.map((block) => readBlock(block, nameOf)).join(' ')
}

function readBlock(block: Block, nameOf: NameOf): string {
  switch (block.kind) {
    case 'paragraph':
    case 'heading':
      return textOf(block.children, nameOf)
    case 'quote':
      return plainOf(block.children, nameOf)
    case 'list':
      return block.items.map((item) => plainOf(item.children, nameOf)).join(', ')
    case 'code':
      return block.text
    case 'table':
      return [block.header, ...block.rows]
        .map((row) => row.map((cell) => textOf(cell, nameOf)).join(', '))
        .join('; ')
    case 'rule':
      return ''
  }
}

/** Cuts between what people take for characters: an emoji may be ten of the language's. */
function shorten(line: string, max: number): string {
  if (line.length <= max) return line
  let kept = ''
  for (const { segment } of new Intl.Segmenter().segment(line)) {
    if (kept.length + segment.length > max - 1) break
    kept += segment
  }
  return `${kept.trimEnd()}…`
}
