import type { Block, Inline } from '../../client/text/tree.ts'

/** A tree in a line that can be read. */
export function outlineOf(blocks: Block[]): string {
  return blocks.map(sketchBlock).join('')
}

function sketchBlock(block: Block): string {
  switch (block.kind) {
    case 'paragraph':
      return `p[${sketchAll(block.children)}]`
    case 'heading':
      return `heading[${sketchAll(block.children)}]`
    case 'quote':
      return `quote[${outlineOf(block.children)}]`
    case 'list':
      return `list(${block.start ?? ''})[${block.items
        .map(
          (item) =>
            (item.isDone === undefined ? '' : `(${item.isDone})`) + outlineOf(item.children),
        )
        .join('|')}]`
    case 'code':
      return `code(${block.language ?? ''})[${block.text}]`
    case 'table':
      return `table(${block.aligns.join(' ')})[${[block.header, ...block.rows]
        .map((row) => row.map(sketchAll).join('|'))
        .join('/')}]`
    case 'rule':
      return 'rule'
  }
}

function sketchAll(nodes: Inline[]): string {
  return nodes.map(sketchInline).join('')
}

function sketchInline(node: Inline): string {
  switch (node.kind) {
    case 'text':
      return node.text
    case 'break':
      return '↵'
    case 'code':
      return `code[${node.text}]`
    case 'link':
      return `link(${[node.href, node.host].filter(Boolean).join(' ')})[${sketchAll(node.children)}]`
    case 'image':
      return `image(${node.href} ${node.host})[${node.description}]`
    case 'mention':
      return `{@${node.user}}`
    default:
      return `${node.kind}[${sketchAll(node.children)}]`
  }
}
