import { join, sep } from 'node:path'
import type { Plugin } from 'vite'

const schema = join(import.meta.dirname, '..', '..', 'schema') + sep

/**
 * Has schema/ say in the page what there is, and not check it: functions check what they are sent and what
 * they answer, and what would do so again is a tenth of all that is loaded first.
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
