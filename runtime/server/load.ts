import { readdir } from 'node:fs/promises'
import { basename, extname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import type { Logger } from 'pino'
import type { Context } from '../api/context.ts'
import { contractSubject } from '../api/contract.ts'
import {
  type AroundDefinition,
  type FunctionDefinition,
  isAroundDefinition,
  isFunctionDefinition,
  isFunctionSet,
} from '../api/define.ts'
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
/** The file whose default export runs around each request handler of the folder. */
const aroundFile = '_around.ts'
/** A subfolder that contains this file counts as one function file with the subfolder's name. */
const indexFile = 'index.ts'

export interface LoadOptions {
  importMs: number
  /** Called with the path of each file before its import, and with undefined after the last one. */
  onImport?: ((file: string | undefined) => void) | undefined
  /**
   * Files that are not imported: maps each path to a reason, which is reported as a problem of the
   * file.
   */
  skip?: ReadonlyMap<string, string>
}

interface SetupOptions {
  log: Logger
  env: unknown
}

/** The result of the default export of a `_setup.ts`. */
export interface RunningSetup extends AsyncDisposable {
  /**
   * For each dependency, a check that rejects if it is unavailable. Runs when the metrics are
   * scraped.
   */
  readonly dependencies?: Readonly<Record<string, () => Promise<unknown>>>
}

/** The exports of a `_setup.ts`. */
export interface Setup {
  file: string
  migrate: ((options: SetupOptions) => Promise<void>) | undefined
  run: (options: SetupOptions) => Promise<RunningSetup | undefined>
  /** Called only by `runtime check`, which reports the returned problems. */
  check: (() => Promise<readonly { file: string; reason: string }[]>) | undefined
}

export interface LoadedFolders {
  functions: LoadedFunction[]
  setups: Setup[]
}

interface SourceFile {
  /**
   * The path of the file relative to the loaded folder: `room.join.ts`, or `poll/index.ts` in a
   * subfolder.
   */
  name: string
  stem: string
}

/**
 * Imports the files of the folders: the functions, `_setup.ts` and `_around.ts`. Other files whose name
 * begins with `_` are not imported. Throws a LoadError that lists all problems.
 */
export async function loadFolders(
  folders: readonly string[],
  options: LoadOptions,
): Promise<LoadedFolders> {
  const loaded: LoadedFolders = { functions: [], setups: [] }
  const problems: LoadProblem[] = []
  for (const folder of folders) await loadFolder(folder, options, loaded, problems)
  options.onImport?.(undefined)
  problems.push(...findCollisions(loaded.functions))
  if (problems.length > 0) throw new LoadError(problems)
  return loaded
}

/** Imports only `_setup.ts` of the folders that have one. Throws a LoadError that lists all problems. */
export async function loadSetups(
  folders: readonly string[],
  options: LoadOptions,
): Promise<Setup[]> {
  const setups: Setup[] = []
  const problems: LoadProblem[] = []
  for (const folder of folders) {
    if (!(await readEntries(folder)).some(({ name }) => name === setupFile)) continue
    const file = join(folder, setupFile)
    const report = (part: string, reason: string) => problems.push({ file, export: part, reason })
    try {
      setups.push(...toSetup(file, await importFile(file, options), report))
    } catch (error) {
      report('', describeImportError(error, file))
    }
  }
  if (problems.length > 0) throw new LoadError(problems)
  return setups
}

async function loadFolder(
  folder: string,
  options: LoadOptions,
  loaded: LoadedFolders,
  problems: LoadProblem[],
): Promise<void> {
  const functions: LoadedFunction[] = []
  let around: AroundDefinition | undefined
  for (const { name, stem } of await readFolder(folder)) {
    const file = join(folder, name)
    const report = (part: string, reason: string) => problems.push({ file, export: part, reason })
    const extension = extname(name)
    if (misnamedExtensions.has(extension)) report('', `rename it to end in .ts, not ${extension}`)
    if (!extensions.has(extension)) continue
    try {
      const imported = await importFile(file, options)
      const { default: exported } = imported
      if (name === setupFile) loaded.setups.push(...toSetup(file, imported, report))
      else if (name === aroundFile) {
        if (isAroundDefinition(exported)) around = exported
        else report('default', 'the default export was not created by defineAround')
      } else functions.push(...toLoaded({ file, fileName: name, stem }, exported, report))
    } catch (error) {
      report('', describeImportError(error, file))
    }
  }
  loaded.functions.push(...(around ? functions.map((func) => runAround(around, func)) : functions))
}

function runAround(around: AroundDefinition, loaded: LoadedFunction): LoadedFunction {
  if (loaded.trigger !== 'request') return loaded
  const { contract, handle, options } = loaded.definition
  const handleInside = (input: never, context: Context) =>
    around.run({ function: loaded, input, context }, () => handle(input, context))
  async function* streamInside(input: never, context: Context) {
    return yield* (await handleInside(input, context)) as AsyncGenerator
  }
  const resources = [...(options.resources ?? []), ...around.resources]
  const definition: FunctionDefinition = {
    ...loaded.definition,
    handle: contract?.chunk ? streamInside : handleInside,
    options: { ...options, resources },
  }
  return { ...loaded, definition }
}

async function importFile(file: string, { importMs, onImport, skip }: LoadOptions) {
  const skipped = skip?.get(file)
  if (skipped !== undefined) throw new ImportError(skipped)
  onImport?.(file)
  const late = new AbortController()
  const limit = sleep(importMs, undefined, { signal: late.signal }).then(() => {
    throw new ImportError(describeEndlessImport(importMs))
  })
  try {
    return await Promise.race([import(pathToFileURL(file).href), limit])
  } finally {
    late.abort()
    limit.catch(() => {})
  }
}

export function describeEndlessImport(importMs: number): string {
  return `its import did not end within ${importMs} ms: move what it waits for into beforeServe`
}

class ImportError extends Error {}

async function readFolder(folder: string): Promise<SourceFile[]> {
  const entries = await readEntries(folder)
  const files: SourceFile[] = []
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const { name } = entry
    const isSpecial = name === setupFile || name === aroundFile
    if ((name.startsWith('_') && !isSpecial) || name.endsWith('.d.ts')) continue
    if (!entry.isDirectory()) files.push({ name, stem: basename(name, extname(name)) })
    else if ((await readdir(join(folder, name))).includes(indexFile))
      files.push({ name: join(name, indexFile), stem: name })
  }
  return files
}

async function readEntries(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true })
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

type Report = (part: string, reason: string) => void

function toSetup(
  file: string,
  { default: run, migrate, check }: Record<string, unknown>,
  report: Report,
): Setup[] {
  if (typeof run !== 'function') report('default', 'it is not a function')
  else if (migrate !== undefined && typeof migrate !== 'function')
    report('migrate', 'it is not a function')
  else if (check !== undefined && typeof check !== 'function')
    report('check', 'it is not a function')
  else return [{ file, run, migrate, check } as Setup]
  return []
}

function toLoaded(
  { file, fileName, stem }: { file: string; fileName: string; stem: string },
  exported: unknown,
  report: Report,
): LoadedFunction[] {
  const found: readonly (readonly [name: string, part: string, definition: unknown])[] =
    isFunctionSet(exported)
      ? Object.entries(exported.functions).map(
          ([name, definition]) => [name, `default["${name}"]`, definition] as const,
        )
      : [[stem, 'default', exported]]
  return found.flatMap(([name, part, definition]) => {
    if (!functionName.test(name)) {
      const isFileName = part === 'default'
      report(
        isFileName ? '' : part,
        `"${name}" is not a function name: use lower case, as in room.join${isFileName ? '.ts' : ''}`,
      )
      return []
    }
    if (definition === undefined) {
      report(part, 'the default export is missing: write export default defineFunction(…)')
      return []
    }
    if (!isFunctionDefinition(definition)) {
      report(part, 'the default export was not created by defineFunction')
      return []
    }
    const problems = findDefinitionProblems(definition)
    for (const problem of problems) report(`${part}.${problem.part}`, problem.reason)
    return problems.length > 0 ? [] : [describe({ file, fileName, name }, definition)]
  })
}

function describe(
  { file, fileName, name }: Pick<LoadedFunction, 'file' | 'fileName' | 'name'>,
  definition: FunctionDefinition,
): LoadedFunction {
  const { contract, trigger, options } = definition
  const service = toServiceName(name)
  const { version = '1.0.0', queue = service } = options
  const loaded = { file, fileName, name, service, version, queue, definition }
  if (!contract) return { ...loaded, trigger: trigger?.kind as TriggerKind }
  const subject = contractSubject(contract).template
  return { ...loaded, trigger: 'request', subject, audience: contract.audience }
}

/** Includes the line number from the stack, because the error's message lacks it. */
function describeImportError(error: unknown, file: string) {
  if (error instanceof ImportError) return error.message
  if (!(error instanceof Error)) return `the file cannot be loaded: ${String(error)}`
  const position = new RegExp(`${RegExp.escape(basename(file))}:(\\d+)`)
  const [, line] = position.exec(error.stack ?? '') ?? []
  const where = line ? ` (line ${line})` : ''
  return `the file cannot be loaded: ${error.name}: ${error.message}${where}`
}
