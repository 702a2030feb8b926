import { describe, expect, it } from 'vitest'
import { foldForSearch, hasWords, readQuery, searchTerms } from '#schema/text/search'

describe('search terms', () => {
  it.each([
    ['José Łukasz Ñandú', 'nandu jos'],
    ['Ada King Lovelace', 'LOVELACE ada'],
    ['jane.doe', 'doe'],
    ["Conan O'Brien", 'brien'],
    ['Jean-Paul', 'jean-p'],
    ['Straße', 'strasse'],
    ['İlker Şahin', 'ilker sahin'],
    ['Ελένη ΓΙΏΡΓΟΣ', 'γιωργος'],
    ['Наталья Алёхина', 'алех'],
    ['王小明', '小明'],
    ['김민준', '민준'],
    ['やまだ たろう', 'たろ'],
    ['สมชาย', 'ชาย'],
    ['नेहा शर्मा', 'शर्'],
    ['محمّد كريم', 'کریم'],
    ['עִבְרִית', 'עברית'],
    ['🎉 party', '🎉'],
    ['Ada', '@ada'],
  ])('find the name %s by the query %s', (name, query) => {
    const words = readQuery(query)

    expect(hasWords(foldForSearch(name), words)).toBe(true)
    const terms = searchTerms(name)
    for (const word of words) expect(terms.some((term) => term.startsWith(word))).toBe(true)
    expect(terms.every((term) => hasWords(term, words))).toBe(true)
  })

  it.each([
    ['Tomás Silva', 'ilva'],
    ['Tomás Silva', 'silva ana'],
    ['prefixa', 'prefix%'],
    ['नेहा शर्मा', 'शि'],
  ])('do not find the name %s by the query %s', (name, query) => {
    expect(hasWords(foldForSearch(name), readQuery(query))).toBe(false)
  })

  it('are at most 40, each of at most 601 characters', () => {
    const terms = searchTerms('王'.repeat(10_000))

    expect(terms.length).toBeLessThanOrEqual(40)
    expect(Math.max(...terms.map((term) => term.length))).toBeLessThanOrEqual(601)
  })
})
