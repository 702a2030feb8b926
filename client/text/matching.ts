export function normalizeForSearch(text: string): string {
  return text.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase()
}

/**
 * Returns 0 if the id or the name starts with the query, 1 if a later word does, undefined if none
 * does.
 */
export function matchRank(query: string, userId: string, name: string): 0 | 1 | undefined {
  const [normalizedQuery, normalizedName] = [normalizeForSearch(query), normalizeForSearch(name)]
  if (userId.startsWith(normalizedQuery) || normalizedName.startsWith(normalizedQuery)) return 0
  const words = `${userId} ${normalizedName}`.split(/[\s_-]+/)
  return words.some((word) => word.startsWith(normalizedQuery)) ? 1 : undefined
}
