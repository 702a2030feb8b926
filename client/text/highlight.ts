import type { grammars } from './grammars.ts'

export type CodePart = string | { className: string; parts: CodePart[] }

/** Longer code is not highlighted: some grammars take a second for 10,000 characters. */
const maxLength = 3_000
const maxCached = 100
/** Without a cache, each code block that scrolls into view would be highlighted again. */
const cache = new Map<string, CodePart[]>()

export async function highlight(code: string, language: string): Promise<CodePart[] | undefined> {
  if (code.length > maxLength) return undefined
  const key = `${language} ${code}`
  const cached = cache.get(key)
  if (cached) return cached
  const { grammars } = await import('./grammars.ts')
  if (!grammars.registered(language)) return undefined
  const parts = toParts(grammars.highlight(language, code).children)
  cache.set(key, parts)
  for (const oldest of cache.keys()) if (cache.size > maxCached) cache.delete(oldest)
  return parts
}

type Node = ReturnType<typeof grammars.highlight>['children'][number]

function toParts(nodes: Node[]): CodePart[] {
  return nodes.flatMap((node): CodePart[] => {
    if (node.type === 'text') return [node.value]
    if (node.type !== 'element') return []
    const { className } = node.properties
    const names = Array.isArray(className) ? className.join(' ') : ''
    return [{ className: names, parts: toParts(node.children) }]
  })
}
