/** What somebody is about to name, by what stands before the caret. */
export interface CompletionQuery {
  kind: 'person' | 'emoji'
  /** What is written of it so far, in small letters. */
  text: string
  /** Where it begins, with its sign. */
  start: number
}

const person = /(?<![\p{L}\p{N}_@])@([\p{L}\p{M}\p{N}_-]{0,64})$/u
const emoji = /(?<![\p{L}\p{N}:]):([a-z+-][a-z0-9_+-]{1,30}:?|[+-]1:?|100:?)$/iu

/** In code nobody is named. */
export function findCompletionQuery(before: string): CompletionQuery | undefined {
  if ((before.match(/```/g)?.length ?? 0) % 2 === 1) return undefined
  for (const [kind, form] of [
    ['person', person],
    ['emoji', emoji],
  ] as const) {
    const found = form.exec(before)
    if (found) return { kind, text: (found[1] ?? '').toLowerCase(), start: found.index }
  }
  return undefined
}
