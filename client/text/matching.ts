/** As it is compared: small, and without the marks on its letters. */
export function normalizeForSearch(text: string): string {
  return text.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase()
}

/**
 * How well somebody is what is wanted: 0 where their id or name begins so, 1 where another word of the
 * name does, and nothing where none does.
 */
export function matchRank(wanted: string, userId: string, name: string): 0 | 1 | undefined {
  const [text, called] = [normalizeForSearch(wanted), normalizeForSearch(name)]
  if (userId.startsWith(text) || called.startsWith(text)) return 0
  const words = `${userId} ${called}`.split(/[\s_-]+/)
  return words.some((word) => word.startsWith(text)) ? 1 : undefined
}
