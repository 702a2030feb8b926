/** What somebody is about to name, by what stands before the caret. */
export interface Wanted {
  kind: 'person' | 'emoji'
  /** What is written of it so far, in small letters. */
  text: string
  /** Where it begins, with its sign. */
  start: number
}

const person = /(?<![\p{L}\p{N}_@])@([\p{L}\p{M}\p{N}_-]{0,64})$/u
const emoji = /(?<![\p{L}\p{N}:]):([a-z+-][a-z0-9_+-]{1,30}:?|[+-]1:?|100:?)$/iu

/** In code nobody is named. */
export function findWanted(before: string): Wanted | undefined {
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

/** As it is compared: small, and without the marks on its letters. */
export function plainly(text: string): string {
  return text.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase()
}

/**
 * How well somebody is what is wanted: 0 where their id or name begins so, 1 where another word of the
 * name does, and nothing where none does.
 */
export function rankOf(wanted: string, userId: string, name: string): 0 | 1 | undefined {
  const [text, called] = [plainly(wanted), plainly(name)]
  if (userId.startsWith(text) || called.startsWith(text)) return 0
  const words = `${userId} ${called}`.split(/[\s_-]+/)
  return words.some((word) => word.startsWith(text)) ? 1 : undefined
}
