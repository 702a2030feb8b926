import type { Block, Inline } from '../text/tree.ts'

/**
 * Turns each link or image whose URL is not in the original message into plain text, because the
 * translation engine may have invented the URL.
 */
export function restrictLinks(translation: Block[], original: Block[]): Block[] {
  const allowed = new Set(original.flatMap(linksOf))
  const restrict = (nodes: Inline[]): Inline[] =>
    nodes.flatMap((node): Inline[] => {
      if (node.kind === 'image')
        return allowed.has(node.href) ? [node] : [{ kind: 'text', text: node.description }]
      if (!('children' in node)) return [node]
      const children = restrict(node.children)
      return node.kind === 'link' && !allowed.has(node.href) ? children : [{ ...node, children }]
    })
  return translation.map((block) => mapInlines(block, restrict))
}

function linksOf(block: Block): string[] {
  const links: string[] = []
  const collect = (nodes: Inline[]): Inline[] => {
    for (const node of nodes) {
      if (node.kind === 'link' || node.kind === 'image') links.push(node.href)
      if ('children' in node) collect(node.children)
    }
    return nodes
  }
  mapInlines(block, collect)
  return links
}

function mapInlines(block: Block, map: (nodes: Inline[]) => Inline[]): Block {
  const mapAll = (blocks: Block[]) => blocks.map((child) => mapInlines(child, map))
  switch (block.kind) {
    case 'paragraph':
    case 'heading':
      return { ...block, children: map(block.children) }
    case 'quote':
      return { ...block, children: mapAll(block.children) }
    case 'list': {
      const items = block.items.map((item) => ({ ...item, children: mapAll(item.children) }))
      return { ...block, items }
    }
    case 'table':
      return {
        ...block,
        header: block.header.map(map),
        rows: block.rows.map((row) => row.map(map)),
      }
    default:
      return block
  }
}
