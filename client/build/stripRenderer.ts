import type { Plugin } from 'vite'

/**
 * Removes the HTML renderer from marked, because the page uses only marked's lexer. A bundler alone
 * would keep the renderer, because the module creates an instance of `Marked`.
 */
export function stripRenderer(): Plugin {
  return {
    name: 'strip-renderer',
    apply: 'build',
    transform(code, id) {
      if (!id.endsWith('/marked/lib/marked.esm.js')) return undefined
      const instance = code.search(/var (\w+)=new \w+;function \w+\(\w+,\w+\)\{return \1\.parse\(/)
      const [lexer, tokenizer] = ['Lexer', 'Tokenizer'].map((name) =>
        new RegExp(`\\b(\\w+ as ${name})\\b`).exec(code.slice(instance)),
      )
      if (instance < 0 || !lexer || !tokenizer)
        this.error('marked has changed: adapt client/build/stripRenderer.ts')
      return { code: `${code.slice(0, instance)}export{${lexer[1]},${tokenizer[1]}}`, map: null }
    },
  }
}
