import type { Block, Inline, ListItem } from '../../client/text/tree.ts'

export function outlineOf(blocks: Block[]): string {
  return blocks.map(outlineOfBlock).join('')
}

function outlineOfBlock(block: Block): string {
  switch (block.kind) {
    case 'paragraph':
      return `p[${outlineOfInlines(block.children)}]`
    case 'heading':
      return `h${block.level}[${outlineOfInlines(block.children)}]`
    case 'quote':
      return `quote[${outlineOf(block.children)}]`
    case 'list':
      return `list[${block.items.map(outlineOfItem).join('|')}]`
    case 'code':
      return `code(${block.info ?? ''})[${block.text}]`
    case 'table':
      return `table(${block.aligns.join(' ')})[${[block.header, ...block.rows]
        .map((row) => row.map(outlineOfInlines).join('|'))
        .join('/')}]`
    case 'rule':
      return 'rule'
  }
}

function outlineOfItem({ marker, isDone, children }: ListItem): string {
  const state = isDone === undefined ? '' : `(${isDone})`
  return `${marker ?? ''}${state}${outlineOf(children)}`
}

function outlineOfInlines(nodes: Inline[]): string {
  return nodes.map(outlineOfInline).join('')
}

function outlineOfInline(node: Inline): string {
  switch (node.kind) {
    case 'text':
      return node.text
    case 'break':
      return '↵'
    case 'code':
      return `code[${node.text}]`
    case 'link':
      return `link(${[node.href, node.host].filter(Boolean).join(' ')})[${outlineOfInlines(node.children)}]`
    case 'image':
      return `image(${node.href} ${node.host})[${node.description}]`
    case 'mention':
      return `{@${node.name}}`
    default:
      return `${node.kind}[${outlineOfInlines(node.children)}]`
  }
}
