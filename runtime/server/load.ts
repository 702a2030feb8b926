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

/** A function with all that its file says, checked. */
export interface LoadedFunction extends FunctionInfo {
  readonly file: string
  readonly definition: FunctionDefinition
  /** The micro service's and the endpoint's name: `room-join`. */
  readonly service: string
  readonly version: string
  readonly queue: string
}

/** What is wrong with a file: which, what in it, and why. */
export interface LoadProblem {
  file: string
  /** `default` or a part of it; empty when the file itself is at fault. */
  export: string
  reason: string
}

/** Thrown when files cannot be served; all of what is wrong, not the first thing alone. */
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

const code = new Set(['.ts', '.js', '.mjs'])
const misnamed = new Set(['.tsx', '.jsx', '.mts', '.cts', '.cjs'])
const stem = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)*$/
const semver = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/

/** Reads the functions of a folder. Throws a LoadError with everything that keeps it from serving. */
export async function loadFunctions(folder: string): Promise<LoadedFunction[]> {
  const loaded: LoadedFunction[] = []
  const problems: LoadProblem[] = []
  for (const entry of await readFolder(folder)) {
    const extension = extname(entry)
    if (entry.startsWith('_') || entry.endsWith('.d.ts')) continue
    if (misnamed.has(extension))
      problems.push({
        file: entry,
        export: '',
        reason: `rename it to end in .ts, not ${extension}`,
      })
    if (!code.has(extension)) continue
    try {
      const module = await import(pathToFileURL(join(folder, entry)).href)
      const found = toLoaded(entry, basename(entry, extension), module.default)
      if ('reason' in found) problems.push(found)
      else loaded.push(found)
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
      (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such folder' : `${error}`
    throw new LoadError([{ file: folder, export: '', reason }])
  }
}

function toLoaded(file: string, name: string, exported: unknown): LoadedFunction | LoadProblem {
  const wrong = (part: string, reason: string) => ({ file, export: part, reason })
  if (!stem.test(name))
    return wrong('', `"${name}" is no function name: use lower case, as in room.join.ts`)
  if (exported === undefined)
    return wrong('default', 'there is no default export; write export default defineFunction(…)')
  if (!isFunctionDefinition(exported))
    return wrong('default', 'the default export was not made by defineFunction')

  const { contract, trigger, options } = exported
  const version = options.version ?? '1.0.0'
  if (!semver.test(version))
    return wrong('default.version', `"${version}" is no version: write it as 1.0.0`)
  const service = toServiceName(name)
  const queue = options.queue ?? service
  if (!/^[\w-]+$/.test(queue))
    return wrong('default.queue', `"${queue}" is no queue group: use letters, digits, _ and -`)
  for (const limit of ['concurrency', 'maxQueued'] as const) {
    const value = options[limit]
    const least = limit === 'maxQueued' ? 0 : 1
    if (value !== undefined && !(Number.isInteger(value) && value >= least))
      return wrong(`default.${limit}`, `${value} is not a whole number of ${least} or more`)
  }
  const wrongLimit = options.limit && validateLimit(options.limit)
  if (wrongLimit) return wrong('default.limit', wrongLimit)
  const loaded = { file, name, service, version, queue, definition: exported }
  try {
    if (contract) {
      if (!Array.isArray(contract.audience) || contract.audience.length === 0)
        return wrong('default.audience', "say who may ask: ['everyone'], roles, or ['functions']")
      const subject = contractSubject(contract).template
      return { ...loaded, trigger: 'request', subject, audience: contract.audience }
    }
    if (trigger?.kind === 'event' || trigger?.kind === 'stream') parseSubject(trigger.topic.subject)
    return { ...loaded, trigger: trigger?.kind as TriggerKind }
  } catch (error) {
    return wrong('default.subject', (error as Error).message)
  }
}

function validateLimit({ max, windowMs }: Limit): string | undefined {
  if (!(Number.isInteger(max) && max >= 1)) return `max is ${max}: give a whole number of 1 or more`
  if (Number.isInteger(windowMs / 1_000) && windowMs >= 1_000 && windowMs <= maxLimitWindowMs)
    return undefined
  return `windowMs is ${windowMs}: give whole seconds in milliseconds, 1000 to ${maxLimitWindowMs}`
}

/** Two functions on one subject would each get half of what is asked; a stream would answer for one. */
function findCollisions(loaded: readonly LoadedFunction[]): LoadProblem[] {
  const problems: LoadProblem[] = []
  const streams = loaded.flatMap(({ definition: { trigger, options } }) => [
    ...(trigger?.kind === 'stream' ? [trigger.stream] : []),
    ...(options.resources ?? []).flatMap((used) => ('stream' in used ? [used] : [])),
  ])
  loaded.forEach((one, index) => {
    const { file, service } = one
    const pattern = one.subject && parseSubject(one.subject).pattern
    for (const other of loaded.slice(0, index)) {
      if (other.service === service)
        problems.push({
          file,
          export: '',
          reason: `its service ${service} is also ${other.file}'s`,
        })
      if (pattern && other.subject && overlaps(pattern, parseSubject(other.subject).pattern))
        problems.push({
          file,
          export: 'default.subject',
          reason: `${one.subject} is already answered by ${other.file} on ${other.subject}`,
        })
    }
    const caught = pattern && streams.find((it) => it.subjects.some((s) => overlaps(s, pattern)))
    if (caught)
      problems.push({
        file,
        export: 'default.subject',
        reason: `${one.subject} lies inside the stream ${caught.stream}, which would answer for it`,
      })
  })
  return problems
}

/** With the line, where the stack tells: a syntax error's message alone does not. */
function describeImportError(error: unknown, file: string) {
  if (!(error instanceof Error)) return `it cannot be loaded: ${String(error)}`
  const [, line] = new RegExp(`${RegExp.escape(file)}:(\\d+)`).exec(error.stack ?? '') ?? []
  const where = line ? ` (line ${line})` : ''
  return `it cannot be loaded: ${error.name}: ${error.message}${where}`
}
