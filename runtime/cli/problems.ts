import { join, relative } from 'node:path'
import { LoadError, type LoadProblem } from '../server/load.ts'

export type { LoadProblem } from '../server/load.ts'

/** Returns the problems of a LoadError, with file paths relative to the working directory. */
export function problemsOf(error: unknown, folder: string): LoadProblem[] | undefined {
  if (!(error instanceof LoadError)) return undefined
  return error.problems.map((problem) => ({ ...problem, file: relativePath(folder, problem.file) }))
}

/** `functions/room.join.ts: default: not made by defineFunction` */
export function describeProblem({ file, export: name, reason }: LoadProblem): string {
  return [file, name, reason].filter(Boolean).join(': ')
}

function relativePath(folder: string, file: string) {
  return relative('', file === folder ? folder : join(folder, file)) || '.'
}
