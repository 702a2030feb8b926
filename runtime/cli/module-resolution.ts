/**
 * Resolves imports like Node, but parses package.json files less often. Node parses the
 * package.json of a package again for each import.
 *
 * A relative import within a package needs only the `type` of the package.json, which this file
 * caches. For an import by package name, Node finds the module once for each importing folder, and
 * this file caches the result. The package.json of drizzle-orm has 180 kB, and 250 modules of this
 * package are loaded. Without this file, the functions of the chat need 2.5 times the processor
 * time and memory to load (docs/decisions/069-module-resolution.md).
 */
import { existsSync, readFileSync } from 'node:fs'
import { type ResolveFnOutput, registerHooks } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Per folder: the `type` of the package.json that applies to its files. */
const types = new Map<string, string | undefined>()
/** The resolved modules, by package specifier and folder of the importing file. */
const packages = new Map<string, ResolveFnOutput>()

registerHooks({
  resolve(specifier, context, nextResolve) {
    const { parentURL, conditions, importAttributes } = context
    const isImport = conditions.includes('import') && Object.keys(importAttributes).length === 0
    if (!parentURL?.startsWith('file:') || !isImport) return nextResolve(specifier, context)

    if (/^\.\.?\//.test(specifier)) {
      const url = resolveWithinPackage(specifier, parentURL)
      return url ? { url, format: 'module', shortCircuit: true } : nextResolve(specifier, context)
    }
    // Node itself resolves paths, URLs, and entries of `imports` in a package.json.
    if (/^[./#]|^[a-z]+:/i.test(specifier)) return nextResolve(specifier, context)

    const key = `${specifier} ${parentURL.slice(0, parentURL.lastIndexOf('/'))}`
    const resolved = packages.get(key) ?? { ...nextResolve(specifier, context), shortCircuit: true }
    packages.set(key, resolved)
    return resolved
  },
})

/**
 * Resolves a relative import between files of an installed package. Returns undefined if Node must
 * resolve it: if the importing file is not in `node_modules`, or if the result is not an existing
 * `.js` file of a package with the type `module`.
 */
function resolveWithinPackage(specifier: string, parentUrl: string): string | undefined {
  if (!parentUrl.includes('/node_modules/')) return undefined
  const { href, pathname } = new URL(specifier, parentUrl)
  if (!pathname.endsWith('.js')) return undefined
  const file = fileURLToPath(href)
  return typeOf(dirname(file)) === 'module' && existsSync(file) ? href : undefined
}

function typeOf(folder: string): string | undefined {
  if (!types.has(folder)) types.set(folder, readType(folder))
  return types.get(folder)
}

function readType(folder: string): string | undefined {
  if (basename(folder) === 'node_modules') return undefined
  const file = join(folder, 'package.json')
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')).type
  return dirname(folder) === folder ? undefined : typeOf(dirname(folder))
}
