import { readdir } from 'node:fs/promises'
import { basename, extname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { FunctionInfo } from '../api/context.ts'
import { contractSubject } from '../api/contract.ts'
import {
  type FunctionDefinition,
  isFunctionDefinition,
  type Limit,
  maxLimitWindowMs,
} from '../api/define.ts'
import { overlaps, parseSubject, toServiceName } from '../api/subject.ts'
import type { TriggerKind } from '../api/trigger.ts'

export interface LoadedFunction extends FunctionInfo {
  readonly file: string
  readonly definition: FunctionDefinition
  /** The name of the micro service and of its endpoint: `room-join`. */
  readonly service: string
  readonly version: string
  readonly queue: string
}

export interface LoadProblem {
  file: string
  /** The faulty export or a part of it: `default.queue`. Empty if the problem concerns the file. */
  export: string
  reason: string
}

/** Thrown if files cannot be served. */
export class LoadError extends Error {
  override name = 'LoadError'
  readonly problems: readonly LoadProblem[]

  constructor(problems: readonly LoadProblem[]) {
    super(
      problems
        .map(({ file, export: name, reason }) => [file, name, reason].filter(Boolean).join(': '))
        .join('\n'),
    )
    this.problems = problems
  }
}

const extensions = new Set(['.ts', '.js', '.mjs'])
const misnamedExtensions = new Set(['.tsx', '.jsx', '.mts', '.cts', '.cjs'])
const functionName = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)*$/
const semver = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/

/** Imports the function files of a folder: all except those whose name begins with `_`. */
export async function loadFunctions(folder: string): Promise<LoadedFunction[]> {
  const loaded: LoadedFunction[] = []
  const problems: LoadProblem[] = []
  for (const entry of await readFolder(folder)) {
    const extension = extname(entry)
    if (entry.startsWith('_') || entry.endsWith('.d.ts')) continue
    if (misnamedExtensions.has(extension))
      problems.push({
        file: entry,
        export: '',
        reason: `rename it to end in .ts, not ${extension}`,
      })
    if (!extensions.has(extension)) continue
    try {
      const module = await import(pathToFileURL(join(folder, entry)).href)
      const result = toLoaded(entry, basename(entry, extension), module.default)
      if ('reason' in result) problems.push(result)
      else loaded.push(result)
    } catch (error) {
      problems.push({ file: entry, export: '', reason: describeImportError(error, entry) })
    }
  }
  problems.push(...findCollisions(loaded))
  if (problems.length > 0) throw new LoadError(problems)
  return loaded
}

async function readFolder(folder: string) {
  try {
    return (await readdir(folder)).sort()
  } catch (error) {
    const reason =
      (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'the folder does not exist' : `${error}`
    throw new LoadError([{ file: folder, export: '', reason }])
  }
}

function toLoaded(file: string, name: string, exported: unknown): LoadedFunction | LoadProblem {
  const problem = (part: string, reason: string) => ({ file, export: part, reason })
  if (!functionName.test(name))
    return problem('', `"${name}" is not a function name: use lower case, as in room.join.ts`)
  if (exported === undefined)
    return problem(
      'default',
      'the default export is missing: write export default defineFunction(…)',
    )
  if (!isFunctionDefinition(exported))
    return problem('default', 'the default export was not created by defineFunction')

  const { contract, trigger, options } = exported
  const version = options.version ?? '1.0.0'
  if (!semver.test(version))
    return problem(
      'default.version',
      `"${version}" is not a semantic version: use a form like 1.0.0`,
    )
  const service = toServiceName(name)
  const queue = options.queue ?? service
  if (!/^[\w-]+$/.test(queue))
    return problem('default.queue', `"${queue}" is not a queue group: use letters, digits, _ and -`)
  for (const option of ['concurrency', 'maxQueued'] as const) {
    const value = options[option]
    const min = option === 'maxQueued' ? 0 : 1
    if (value !== undefined && !(Number.isInteger(value) && value >= min))
      return problem(`default.${option}`, `${value} is not a whole number of ${min} or more`)
  }
  const limitProblem = options.limit && validateLimit(options.limit)
  if (limitProblem) return problem('default.limit', limitProblem)
  const loaded = { file, name, service, version, queue, definition: exported }
  try {
    if (contract) {
      if (!Array.isArray(contract.audience) || contract.audience.length === 0)
        return problem(
          'default.audience',
          "the audience is empty: use ['everyone'], roles, or ['functions']",
        )
      const subject = contractSubject(contract).template
      return { ...loaded, trigger: 'request', subject, audience: contract.audience }
    }
    if (trigger?.kind === 'event' || trigger?.kind === 'stream') parseSubject(trigger.topic.subject)
    return { ...loaded, trigger: trigger?.kind as TriggerKind }
  } catch (error) {
    return problem('default.subject', (error as Error).message)
  }
}

function validateLimit({ max, windowMs }: Limit): string | undefined {
  if (!(Number.isInteger(max) && max >= 1)) return `max is ${max}: use a whole number of 1 or more`
  if (Number.isInteger(windowMs / 1_000) && windowMs >= 1_000 && windowMs <= maxLimitWindowMs)
    return undefined
  return `windowMs is ${windowMs}: use whole seconds in milliseconds, 1000 to ${maxLimitWindowMs}`
}

/**
 * Finds functions with the same service name or with overlapping subjects. Also finds streams that
 * capture a request subject: a caller would take the stream's acknowledgement for the answer.
 */
function findCollisions(loaded: readonly LoadedFunction[]): LoadProblem[] {
  const problems: LoadProblem[] = []
  const streams = loaded.flatMap(({ definition: { trigger, options } }) => [
    ...(trigger?.kind === 'stream' ? [trigger.stream] : []),
    ...(options.resources ?? []).flatMap((resource) => ('stream' in resource ? [resource] : [])),
  ])
  loaded.forEach(({ file, service, subject }, index) => {
    const pattern = subject && parseSubject(subject).pattern
    for (const other of loaded.slice(0, index)) {
      if (other.service === service)
        problems.push({
          file,
          export: '',
          reason: `${other.file} has the same service name ${service}`,
        })
      if (pattern && other.subject && overlaps(pattern, parseSubject(other.subject).pattern))
        problems.push({
          file,
          export: 'default.subject',
          reason: `${subject} overlaps ${other.subject} of ${other.file}`,
        })
    }
    const stream =
      pattern &&
      streams.find(({ subjects }) => subjects.some((captured) => overlaps(captured, pattern)))
    if (stream)
      problems.push({
        file,
        export: 'default.subject',
        reason: `the stream ${stream.stream} captures ${subject} and would answer its requests`,
      })
  })
  return problems
}

/** Adds the line number from the stack, because the error's message lacks it. */
function describeImportError(error: unknown, file: string) {
  if (!(error instanceof Error)) return `the file cannot be loaded: ${String(error)}`
  const [, line] = new RegExp(`${RegExp.escape(file)}:(\\d+)`).exec(error.stack ?? '') ?? []
  const where = line ? ` (line ${line})` : ''
  return `the file cannot be loaded: ${error.name}: ${error.message}${where}`
}
