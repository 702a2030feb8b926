import type { Plugin } from 'vite'

/**
 * Names what a module needs in the page, so that browsers fetch it with the rest although it is only
 * imported later: it runs later, and waits for nothing then.
 */
export function preloaded(module: string): Plugin {
  return {
    name: 'preloaded',
    apply: 'build',
    transformIndexHtml: {
      order: 'post',
      handler(html, { bundle = {} }) {
        const wanted = Object.values(bundle).find(
          (file) => file.type === 'chunk' && file.facadeModuleId === module,
        )
        if (wanted?.type !== 'chunk') throw new Error(`${module} is no chunk of its own`)
        const styles = [...(wanted.viteMetadata?.importedCss ?? [])]
        const links = [
          ...[wanted.fileName, ...wanted.imports].map((file) => ['modulepreload', `/${file}`]),
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
