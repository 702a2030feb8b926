/** Writes a line for people or for grep. */
export function print(text: string): void {
  process.stdout.write(`${visible(text)}\n`)
}

/** Prints a value as one line of JSON. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}

/** Prints a message on stderr. */
export function note(text: string): void {
  process.stderr.write(`${visible(text)}\n`)
}

/** Any client may reply on `$SRV`, so control characters are replaced. */
function visible(text: string) {
  return text.replaceAll(/[^\P{Cc}\n\t]/gu, '\u{fffd}')
}
