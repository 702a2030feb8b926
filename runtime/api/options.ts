import { similarNames } from './similar-names.ts'

export function unknownName(what: string, name: string, known: readonly string[]): string {
  const [similar] = similarNames(name, known)
  const hint = similar === undefined ? `use ${known.join(', ')}` : `did you mean "${similar}"?`
  return `there is no ${what} "${name}"; ${hint}`
}

export function checkOptionNames(
  source: string,
  options: unknown,
  known: readonly string[],
): asserts options is object {
  if (typeof options !== 'object' || options === null)
    throw new TypeError(`${source}: the options must be an object`)
  const unknown = Object.keys(options).find((name) => !known.includes(name))
  if (unknown !== undefined)
    throw new TypeError(`${source}: ${unknownName('option', unknown, known)}`)
}

export function checkWholeNumber(name: string, value: unknown, min: number, max: number): void {
  if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return
  throw new RangeError(`${name} is ${String(value)}: use a whole number from ${min} to ${max}`)
}
