import type { FunctionInfo } from '../api/context.ts'
import type { FunctionDefinition } from '../api/define.ts'

export interface LoadedFunction extends FunctionInfo {
  readonly file: string
  readonly fileName: string
  readonly definition: FunctionDefinition
  readonly service: string
  readonly version: string
  readonly queue: string
}

export interface LoadProblem {
  /** The path of the file with the problem, or of the folder if the folder cannot be read. */
  file: string
  /**
   * The invalid export, or a part of it (`default.queue`). Empty if the problem concerns the whole
   * file.
   */
  export: string
  reason: string
}

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
