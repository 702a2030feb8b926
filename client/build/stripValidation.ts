import { join, sep } from 'node:path'
import type { Plugin } from 'vite'

const schema = join(import.meta.dirname, '..', '..', 'schema') + sep

/**
 * Replaces valibot in schema/ by a stub. The server already validates inputs and outputs, and
 * valibot would be a tenth of the JavaScript that is loaded first.
 */
export function stripValidation(): Plugin {
  return {
    name: 'unchecked',
    enforce: 'pre',
    resolveId(source, importer) {
      if (source !== 'valibot' || !importer?.startsWith(schema)) return undefined
      return join(import.meta.dirname, 'schemaStub.ts')
    },
  }
}
