import { UsageError } from './failure.ts'

export function readJson(text: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    const { message } = error as SyntaxError
    throw new UsageError(`this is not JSON: ${message}\n${point(text, positionOf(text))}`)
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>
  throw new UsageError(`the input must be an object, {…}, not ${text.slice(0, 40)}`)
}

function positionOf(text: string): number {
  const position = placeIn(text)
  if (position !== undefined) return position
  // The shortest prefix that is invalid, rather than merely incomplete, ends at the syntax error.
  for (let end = 1; end <= Math.min(text.length, 10_000); end++) {
    if (!isUnfinished(text.slice(0, end))) return end - 1
  }
  return text.length
}

function isUnfinished(text: string) {
  const place = placeIn(text)
  return place === text.length || (place === undefined && /end of JSON/.test(mistakeIn(text)))
}

function placeIn(text: string) {
  const place = /at position (\d+)/.exec(mistakeIn(text))?.[1]
  return place === undefined ? undefined : Number(place)
}

function mistakeIn(text: string): string {
  try {
    JSON.parse(text)
    return 'end of JSON'
  } catch (error) {
    return (error as SyntaxError).message
  }
}

function point(text: string, position: number) {
  const start = text.lastIndexOf('\n', position - 1) + 1
  const [line = ''] = text.slice(start).split('\n', 1)
  const column = position - start
  const from = Math.max(0, column - 60)
  return `  ${line.slice(from, column + 20)}\n  ${' '.repeat(column - from)}^`
}
