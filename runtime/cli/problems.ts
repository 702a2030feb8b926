import { isAbsolute, relative } from 'node:path'

/** What is wrong with a file in functions/. */
export interface Problem {
  file: string
  export: string
  reason: string
}

/** The problems a load error carries; undefined for any other error. */
export function problemsOf(error: unknown): readonly Problem[] | undefined {
  return error instanceof Error && 'problems' in error && Array.isArray(error.problems)
    ? error.problems
    : undefined
}

/** `functions/room.join.ts: default: not made by defineFunction` */
export function describeProblem({ file, export: name, reason }: Problem): string {
  const shown = isAbsolute(file) ? relative('', file) : file
  return `${shown}: ${name}: ${reason}`
}
