import { foldForSearch, hasWords, readQuery } from '#schema/text/search'

/**
 * Returns the rank of a search result: 0 if the handle or the name starts with the query; 1 if each
 * word of the query is the beginning of a word in the name or the handle; undefined if there is no
 * match. Ignores case and diacritics.
 */
export function matchRank(query: string, handle: string, name: string): 0 | 1 | undefined {
  const words = readQuery(query)
  const [foldedHandle, foldedName] = [foldForSearch(handle), foldForSearch(name)]
  const phrase = words.join(' ')
  if (foldedHandle.startsWith(phrase) || foldedName.startsWith(phrase)) return 0
  return hasWords(`${foldedName} ${foldedHandle}`, words) ? 1 : undefined
}

/** Ignores case and diacritics. */
export function includesText(text: string, query: string): boolean {
  return foldForSearch(text).includes(foldForSearch(query))
}
