/**
 * Characters that searches ignore: the combining marks of some scripts, such as accents, and the
 * characters below. The vowel signs of Devanagari and similar scripts are combining marks too, but
 * are not ignored, because they distinguish words.
 */
const ignored = new RegExp(
  String.raw`[[\p{M}&&[\p{sc=Zinh}\p{sc=Latn}\p{sc=Grek}\p{sc=Cyrl}\p{sc=Arab}\p{sc=Hebr}\p{sc=Syrc}]]` +
    // Invisible characters, the Arabic tatweel (U+0640), and the nuktas of Indic scripts.
    String.raw`\p{DI}\u0640\u093C\u09BC\u0A3C\u0ABC\u0B3C]`,
  'gv',
)

/**
 * Letters that searches replace, so that both spellings are found: letters without a decomposition
 * in Unicode, and Arabic letters that have another code point on Persian keyboards.
 */
const equalLetters: ReadonlyMap<string, string> = new Map(
  Object.entries({
    ß: 'ss',
    æ: 'ae',
    œ: 'oe',
    ø: 'o',
    đ: 'd',
    ð: 'd',
    þ: 'th',
    ł: 'l',
    ħ: 'h',
    ŧ: 't',
    ı: 'i',
    ς: 'σ',
    ٱ: 'ا',
    ك: 'ک',
    ي: 'ی',
    ى: 'ی',
    ة: 'ه',
  }),
)
const equalLetter = new RegExp(`[${[...equalLetters.keys()].join('')}]`, 'gu')

/**
 * Letters that each count as the start of a word: those of scripts without spaces between words,
 * and the first letter of each decomposed Korean syllable.
 */
const unspaced =
  /[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Bopo}\p{sc=Thai}\p{sc=Laoo}\p{sc=Khmr}\p{sc=Mymr}\p{sc=Tibt}\u1100-\u1112]/u
const wordPart = /[\p{L}\p{M}\p{N}]/u
const separator = /[\p{Z}\p{P}]/u

/**
 * Returns the text in the form that searches compare: in lower case and Unicode NFKD, without the
 * `ignored` characters, with the `equalLetters` replaced, and with each run of spaces as one space.
 */
export function foldForSearch(text: string): string {
  return text
    .toLowerCase()
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(ignored, '')
    .replaceAll(equalLetter, (letter) => equalLetters.get(letter) ?? letter)
    .replaceAll(/\s+/g, ' ')
    .trim()
}

/** Returns the folded words of a query, without a leading `@`. */
export function readQuery(query: string): string[] {
  return foldForSearch(query)
    .replace(/^@/, '')
    .split(' ')
    .filter((word) => word !== '')
}

/**
 * Returns the index of the start of each word in a folded text. In a script without spaces between
 * words, each letter counts as a word.
 */
export function wordStarts(folded: string): number[] {
  const starts: number[] = []
  let index = 0
  let isAfterWord = false
  for (const character of folded) {
    const isStart = index === 0 || (!isAfterWord && !separator.test(character))
    if (isStart || (unspaced.test(character) && wordPart.test(character))) starts.push(index)
    isAfterWord = wordPart.test(character)
    index += character.length
  }
  return starts
}

export function hasWords(folded: string, words: readonly string[]): boolean {
  const starts = wordStarts(folded)
  return words.every((word) => starts.some((start) => folded.startsWith(word, start)))
}

const [maxFoldedLength, maxTerms] = [300, 40]

/**
 * Returns the terms by which a text is found, one for each word: the folded text from that word on,
 * followed by the whole folded text. So a search by prefix finds the text by any of its words. Each
 * term contains the whole text, so the other words of a query can be checked in the same term.
 */
export function searchTerms(text: string): string[] {
  const folded = foldForSearch(text).slice(0, maxFoldedLength).toWellFormed()
  const terms = wordStarts(folded)
    .slice(0, maxTerms)
    .map((start) => (start === 0 ? folded : `${folded.slice(start)} ${folded}`))
  return [...new Set(terms)]
}
