export interface CompletionQuery {
  kind: 'person' | 'emoji'
  text: string
  /** Index of the leading `@` or `:`. */
  start: number
}

const person =
  /(?<![\p{L}\p{N}_@])@([\p{L}\p{M}\p{N}_-]{0,64}(?:[.+@][\p{L}\p{M}\p{N}_-]{1,64}){0,8})$/u
const emoji = /(?<![\p{L}\p{N}:]):([a-z+-][a-z0-9_+-]{1,30}:?|[+-]1:?|100:?)$/iu

export function findCompletionQuery(before: string): CompletionQuery | undefined {
  if ((before.match(/```/g)?.length ?? 0) % 2 === 1) return undefined
  for (const [kind, pattern] of [
    ['person', person],
    ['emoji', emoji],
  ] as const) {
    const match = pattern.exec(before)
    if (match) return { kind, text: (match[1] ?? '').toLowerCase(), start: match.index }
  }
  return undefined
}
