/** Ends the command with a message on stderr and exit code 1: the operation failed. */
export class CliError extends Error {
  readonly exitCode: number = 1

  /** The text on stderr. */
  override toString(): string {
    return `error: ${this.message}`
  }
}

/** Ends the command with exit code 2: wrong usage. */
export class UsageError extends CliError {
  override readonly exitCode = 2
}
