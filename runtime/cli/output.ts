export function print(text: string): void {
  process.stdout.write(`${visible(text)}\n`)
}

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}

export function note(text: string): void {
  process.stderr.write(`${visible(text)}\n`)
}

/**
 * Replaces control characters, which could manipulate the terminal: the text may come from any
 * client that replies on `$SRV`.
 */
function visible(text: string) {
  return text.replaceAll(/[^\P{Cc}\n\t]/gu, '\u{fffd}')
}
