import { relative } from 'node:path'
import { LoadError, type LoadProblem } from '../server/load.ts'

export type { LoadProblem } from '../server/load.ts'

export function problemsOf(error: unknown): LoadProblem[] | undefined {
  if (!(error instanceof LoadError)) return undefined
  return error.problems.map(withRelativePath)
}

export function withRelativePath(problem: LoadProblem): LoadProblem {
  return { ...problem, file: relative('', problem.file) || '.' }
}

export function describeProblem({ file, export: name, reason }: LoadProblem): string {
  return [file, name, reason].filter(Boolean).join(': ')
}
