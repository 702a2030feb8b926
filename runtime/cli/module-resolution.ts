/**
 * Resolves imports like Node, but parses package.json files less often. Node parses the
 * package.json of a package again for each import.
 *
 * A relative import needs only the `type` of the package.json, which this file caches. For an import
 * by the name of a package, or by a name of `imports` in a package.json (`#name`), Node finds the
 * module once for each folder that has a package.json, and this file caches the result. The
 * package.json of drizzle-orm has 180 kB, and 250 modules of this package are loaded. Without this
 * file, the functions of the chat need more than twice the processor time and memory to load
 * (docs/decisions/069-module-resolution.md).
 */
import { existsSync, lstatSync, readFileSync, realpathSync } from 'node:fs'
import { type ResolveFnOutput, registerHooks } from 'node:module'
import { basename, dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Formats of files in a package with the type `module`. */
const formats = new Map([
  ['.js', 'module'],
  ['.ts', 'module-typescript'],
])
/** Per folder: the `type` of the package.json that applies to its files. */
const types = new Map<string, string | undefined>()
/** Per folder: whether its path contains no symbolic link. */
const real = new Map<string, boolean>()
/** Results of `homeOf`. */
const homes = new Map<string, string>()
/** The resolved modules, by specifier (`name`, `name/path` or `#name`) and home of the importing file. */
const packages = new Map<string, ResolveFnOutput>()

registerHooks({
  resolve(specifier, context, nextResolve) {
    const { parentURL, conditions, importAttributes } = context
    const isImport = conditions.includes('import') && Object.keys(importAttributes).length === 0
    if (!parentURL?.startsWith('file:') || !isImport) return nextResolve(specifier, context)

    if (/^\.\.?\//.test(specifier)) {
      const resolved = resolveFile(specifier, parentURL)
      return resolved ? { ...resolved, shortCircuit: true } : nextResolve(specifier, context)
    }
    // Node itself resolves paths and URLs.
    if (/^[./]|^[a-z]+:/i.test(specifier)) return nextResolve(specifier, context)

    const key = `${specifier} ${homeOf(dirname(fileURLToPath(parentURL)))}`
    const resolved = packages.get(key) ?? { ...nextResolve(specifier, context), shortCircuit: true }
    packages.set(key, resolved)
    return resolved
  },
})

/**
 * Resolves a relative import. Returns undefined if Node must resolve it: if the result is not an
 * existing `.js` or `.ts` file of a package with the type `module`, or if its path contains a
 * symbolic link. Node also reports the error for a `.ts` file in `node_modules`.
 */
function resolveFile(specifier: string, parentUrl: string): ResolveFnOutput | undefined {
  const { href: url, pathname } = new URL(specifier, parentUrl)
  const format = formats.get(extname(pathname))
  // Node rejects encoded slashes.
  if (!format || /%2f|%5c/i.test(pathname)) return undefined
  if (format !== 'module' && pathname.includes('/node_modules/')) return undefined

  const file = fileURLToPath(url)
  const folder = dirname(file)
  if (!isReal(folder) || !lstatSync(file, { throwIfNoEntry: false })?.isFile()) return undefined
  return typeOf(folder) === 'module' ? { url, format } : undefined
}

/** Returns whether the folder exists and its path contains no symbolic link. */
function isReal(folder: string): boolean {
  const known = real.get(folder)
  if (known !== undefined) return known
  const hasNoLink = existsSync(folder) && realpathSync(folder) === folder
  real.set(folder, hasNoLink)
  return hasNoLink
}

/**
 * Returns the nearest folder above or at `folder` that has a package.json or a folder
 * `node_modules`. All files with the same home resolve package names equally.
 */
function homeOf(folder: string): string {
  const known = homes.get(folder)
  if (known !== undefined) return known
  const isHome = ['package.json', 'node_modules'].some((name) => existsSync(join(folder, name)))
  const home = isHome || dirname(folder) === folder ? folder : homeOf(dirname(folder))
  homes.set(folder, home)
  return home
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
