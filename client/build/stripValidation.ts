import { join, sep } from 'node:path'
import type { Plugin } from 'vite'

const schema = join(import.meta.dirname, '..', '..', 'schema') + sep

const serverFields = /^ {2}(?:description|errors|input|output|data): (?:.*,$|[\s\S]*?^ {2}\S.*,$)/gm

/**
 * Replaces two imports of the modules in schema/ by stubs: valibot, and the valibot schema `Name`
 * of schema/name.ts. In schema/messages/, also removes the fields that only the server reads
 * (`serverFields`). Valibot would be a tenth of the JavaScript that is loaded first.
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
      return { code: code.replaceAll(serverFields, ''), map: null }
    },
  }
}
