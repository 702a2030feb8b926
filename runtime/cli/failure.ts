/** An error that ends the command: its message is printed on stderr, and the exit code is 1. */
export class CliError extends Error {
  readonly exitCode: number = 1

  override toString(): string {
    return `error: ${this.message}`
  }
}

export class UsageError extends CliError {
  override readonly exitCode = 2
}
