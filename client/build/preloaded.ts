import type { Plugin } from 'vite'

/**
 * Adds links to index.html. They preload a dynamically imported module and its imports, and load
 * its styles.
 */
export function preloaded(module: string): Plugin {
  return {
    name: 'preloaded',
    apply: 'build',
    transformIndexHtml: {
      order: 'post',
      handler(html, { bundle = {} }) {
        const chunk = Object.values(bundle).find(
          (file) => file.type === 'chunk' && file.facadeModuleId === module,
        )
        if (chunk?.type !== 'chunk')
          throw new Error(`${module} has no chunk of its own: import it dynamically`)
        const styles = [...(chunk.viteMetadata?.importedCss ?? [])]
        const links = [
          ...[chunk.fileName, ...chunk.imports].map((file) => ['modulepreload', `/${file}`]),
          ...styles.map((file) => ['stylesheet', `/${file}`]),
        ]
        return links
          .filter(([, href = '']) => !html.includes(href))
          .map(([rel, href]) => ({
            tag: 'link',
            attrs: { rel, href, crossorigin: true },
            injectTo: 'head' as const,
          }))
      },
    },
  }
}
