/** Writes a line for people or for grep. */
export function print(text: string): void {
  process.stdout.write(`${visible(text)}\n`)
}

/** Writes a value for programs: one line of JSON. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}

/** Writes what is not the result: stderr. */
export function note(text: string): void {
  process.stderr.write(`${visible(text)}\n`)
}

/** Anybody may answer on `$SRV`: what would steer the terminal is not passed on to it. */
function visible(text: string) {
  return text.replaceAll(/[^\P{Cc}\n\t]/gu, '\u{fffd}')
}
