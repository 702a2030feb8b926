/** Throw it to end the command with this message on stderr and exit code 1. */
export class CliError extends Error {
  readonly exitCode: number = 1

  override toString(): string {
    return `error: ${this.message}`
  }
}

export class UsageError extends CliError {
  override readonly exitCode = 2
}
