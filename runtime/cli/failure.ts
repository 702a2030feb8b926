/** Ends the command with a message on stderr. Exit code 1: it did not work out. */
export class CliError extends Error {
  readonly exitCode: number = 1

  /** As stderr shows it. */
  override toString(): string {
    return `error: ${this.message}`
  }
}

/** Exit code 2: it was asked for in a way that cannot work. */
export class UsageError extends CliError {
  override readonly exitCode = 2
}
