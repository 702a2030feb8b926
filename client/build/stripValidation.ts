import { join, sep } from 'node:path'
import type { Plugin } from 'vite'

const schema = join(import.meta.dirname, '..', '..', 'schema') + sep

/**
 * Replaces valibot and the schema of names in schema/ by stubs, and removes the descriptions and
 * errors of contracts. The server already validates inputs and outputs, and valibot would be a tenth of the
 * JavaScript that is loaded first.
 */
export function stripValidation(): Plugin {
  return {
    name: 'unchecked',
    enforce: 'pre',
    resolveId(source, importer) {
      if (!importer?.startsWith(schema)) return undefined
      if (source === 'valibot') return join(import.meta.dirname, 'schemaStub.ts')
      return source === '../name.ts' ? join(import.meta.dirname, 'stubs', 'name.ts') : undefined
    },
    transform(code, id) {
      if (!id.startsWith(join(schema, 'messages'))) return undefined
      return { code: code.replaceAll(/^ {2}(description: '.*'|errors: \[.*\]),$/gm, ''), map: null }
    },
  }
}
