import { readdir } from 'node:fs/promises'
import { basename, extname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import type { Logger } from 'pino'
import { contractSubject } from '../api/contract.ts'
import { isFunctionDefinition } from '../api/define.ts'
import { toServiceName } from '../api/subject.ts'
import type { TriggerKind } from '../api/trigger.ts'
import { findCollisions } from './collisions.ts'
import { findDefinitionProblems } from './definition-problems.ts'
import { LoadError, type LoadedFunction, type LoadProblem } from './loaded-function.ts'

export { LoadError, type LoadedFunction, type LoadProblem } from './loaded-function.ts'

const extensions = new Set(['.ts', '.js', '.mjs'])
const misnamedExtensions = new Set(['.tsx', '.jsx', '.mts', '.cts', '.cjs'])
const functionName = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)*$/
/** The file whose default export runs before any function is served. */
const setupFile = '_setup.ts'

export interface LoadOptions {
  /** Milliseconds after which the import of one file fails. */
  importMs: number
  /** Called with each file before its import, and with undefined after the last one. */
  onImport?: ((file: string | undefined) => void) | undefined
  /** Files that are not imported, each with the reason, which is reported as its problem. */
  skip?: ReadonlyMap<string, string>
}

export interface LoadedFolder {
  functions: LoadedFunction[]
  /** The default export of `_setup.ts`; undefined if the folder has no such file. */
  setup:
    | ((options: { log: Logger; env: unknown }) => Promise<AsyncDisposable | undefined>)
    | undefined
}

/**
 * Imports the files of a folder: the functions and `_setup.ts`. Other files whose name begins with `_`
 * are not imported. Throws a LoadError that lists all problems.
 */
export async function loadFolder(folder: string, options: LoadOptions): Promise<LoadedFolder> {
  const functions: LoadedFunction[] = []
  const problems: LoadProblem[] = []
  let setup: unknown
  for (const entry of await readFolder(folder)) {
    const extension = extname(entry)
    const isSetup = entry === setupFile
    if ((entry.startsWith('_') && !isSetup) || entry.endsWith('.d.ts')) continue
    if (misnamedExtensions.has(extension))
      problems.push({
        file: entry,
        export: '',
        reason: `rename it to end in .ts, not ${extension}`,
      })
    if (!extensions.has(extension)) continue
    try {
      const { default: exported } = await importFile(folder, entry, options)
      if (isSetup) {
        setup = exported
        if (typeof exported !== 'function')
          problems.push({ file: entry, export: 'default', reason: 'it is not a function' })
        continue
      }
      const found = toLoaded(entry, basename(entry, extension), exported)
      if (Array.isArray(found)) problems.push(...found)
      else functions.push(found)
    } catch (error) {
      problems.push({ file: entry, export: '', reason: describeImportError(error, entry) })
    }
  }
  options.onImport?.(undefined)
  problems.push(...findCollisions(functions))
  if (problems.length > 0) throw new LoadError(problems)
  return { functions, setup: setup as LoadedFolder['setup'] }
}

/** Imports a file, or fails after `importMs` if its top-level `await` does not end. */
async function importFile(folder: string, file: string, { importMs, onImport, skip }: LoadOptions) {
  const skipped = skip?.get(file)
  if (skipped !== undefined) throw new ImportError(skipped)
  onImport?.(file)
  const late = new AbortController()
  const limit = sleep(importMs, undefined, { signal: late.signal }).then(() => {
    throw new ImportError(describeEndlessImport(importMs))
  })
  try {
    return await Promise.race([import(pathToFileURL(join(folder, file)).href), limit])
  } finally {
    late.abort()
    limit.catch(() => {})
  }
}

export function describeEndlessImport(importMs: number): string {
  return `its import did not end within ${importMs} ms: move what it waits for into beforeServe`
}

/** A failed import whose message is the whole reason. */
class ImportError extends Error {}

async function readFolder(folder: string) {
  try {
    return (await readdir(folder)).sort()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const reason =
      code === 'ENOENT'
        ? 'the folder does not exist'
        : code === 'ENOTDIR'
          ? 'it is not a folder'
          : `${error}`
    throw new LoadError([{ file: folder, export: '', reason }])
  }
}

function toLoaded(file: string, name: string, exported: unknown): LoadedFunction | LoadProblem[] {
  const problem = (part: string, reason: string) => ({ file, export: part, reason })
  if (!functionName.test(name))
    return [problem('', `"${name}" is not a function name: use lower case, as in room.join.ts`)]
  if (exported === undefined)
    return [
      problem('default', 'the default export is missing: write export default defineFunction(…)'),
    ]
  if (!isFunctionDefinition(exported))
    return [problem('default', 'the default export was not created by defineFunction')]
  const problems = findDefinitionProblems(exported)
  if (problems.length > 0)
    return problems.map(({ part, reason }) => problem(`default.${part}`, reason))

  const { contract, trigger, options } = exported
  const service = toServiceName(name)
  const { version = '1.0.0', queue = service } = options
  const loaded = { file, name, service, version, queue, definition: exported }
  if (!contract) return { ...loaded, trigger: trigger?.kind as TriggerKind }
  const subject = contractSubject(contract).template
  return { ...loaded, trigger: 'request', subject, audience: contract.audience }
}

/** Adds the line number from the stack, because the error's message lacks it. */
function describeImportError(error: unknown, file: string) {
  if (error instanceof ImportError) return error.message
  if (!(error instanceof Error)) return `the file cannot be loaded: ${String(error)}`
  const [, line] = new RegExp(`${RegExp.escape(file)}:(\\d+)`).exec(error.stack ?? '') ?? []
  const where = line ? ` (line ${line})` : ''
  return `the file cannot be loaded: ${error.name}: ${error.message}${where}`
}
