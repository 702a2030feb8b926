import { createRoot } from 'solid-js'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { FunctionError } from '#runtime'
import { consoleWords } from '../../client/console/useWords.ts'
import { ar } from '../../client/i18n/ar.ts'
import { createLanguage } from '../../client/i18n/createLanguage.ts'
import { de } from '../../client/i18n/de.ts'
import { en, type Plural, type Words } from '../../client/i18n/en.ts'
import { enLater } from '../../client/i18n/enLater.ts'
import { errorText } from '../../client/i18n/problem.ts'
import { zh } from '../../client/i18n/zh.ts'
import { errorStatus } from '../../runtime/api/errors.ts'

const others: [string, Words][] = Object.entries({ de, zh, ar })
const english = Object.fromEntries(
  Object.entries({ ...en, ...enLater }).map(([part, texts]) => [
    part,
    { ...(en as Record<string, object>)[part], ...texts },
  ]),
) as Words
const all: [string, Words][] = [['en', english], ...others]

/** Returns each text's plural forms by its key. A text without plural forms is its only form. */
function textsOf(words: Words): Map<string, string[]> {
  return new Map(
    Object.entries(words).flatMap(([part, texts]) =>
      Object.entries<string | Plural>(texts).map(([key, text]): [string, string[]] => [
        `${part}.${key}`,
        typeof text === 'string' ? [text] : Object.values(text),
      ]),
    ),
  )
}

const ofConsole: [string, Record<string, string>][] = Object.entries(consoleWords)

const placeholders = (text: string) =>
  [...text.matchAll(/\{\{ (\w+) \}\}/g)].map(([, name]) => name)

describe.each(all)('the plural forms of %s', (language, words) => {
  it('exist only for the language’s plural categories, and contain the placeholder for the count', () => {
    for (const [part, texts] of Object.entries(words)) {
      for (const [key, text] of Object.entries<string | Plural>(texts)) {
        const forms = Object.entries(typeof text === 'string' ? { other: text } : text)
        expect(Object.fromEntries(forms), `${part}.${key}`).toHaveProperty('other')
        for (const [rule, form] of forms) {
          expect(form.trim(), `${part}.${key} ${rule}`).not.toBe('')
          // The forms for zero, one and two may spell the number out, as in “one message”. So they
          // need no placeholder.
          if (typeof text === 'string' || ['zero', 'one', 'two'].includes(rule)) continue
          expect(placeholders(form), `${part}.${key} ${rule}`).toContain('count')
        }
        if (typeof text === 'string') continue
        const categories = new Intl.PluralRules(language).resolvedOptions().pluralCategories
        expect(categories).toEqual(expect.arrayContaining(Object.keys(text)))
      }
    }
  })
})

describe.each(others)('the texts of %s', (language, words) => {
  it('have the same keys as the English ones', () => {
    expect([...textsOf(words).keys()].sort()).toEqual([...textsOf(english).keys()].sort())
  })

  it('have the same placeholders as the English ones', () => {
    const englishTexts = textsOf(english)
    for (const [key, texts] of textsOf(words)) {
      const expected = new Set((englishTexts.get(key) ?? []).flatMap(placeholders))
      const found = new Set(texts.flatMap(placeholders))
      expect([...found].toSorted(), `${language} ${key}`).toEqual([...expected].toSorted())
    }
  })

  it('mostly differ from the English ones: less than 8% of them are equal', () => {
    const englishTexts = textsOf(english)
    const same = [...textsOf(words)].filter(
      ([key, texts]) => texts.join() === englishTexts.get(key)?.join(),
    )
    expect(same.length / englishTexts.size, `${same}`).toBeLessThan(0.08)
  })
})

describe.each(ofConsole.filter(([language]) => language !== 'en'))(
  'the console texts of %s',
  (language, words) => {
    const english = new Map(ofConsole).get('en') ?? {}

    it('have the same keys and placeholders as the English ones', () => {
      expect(Object.keys(words)).toEqual(Object.keys(english))
      for (const [key, text] of Object.entries(words))
        expect(placeholders(text).toSorted(), `${language} ${key}`).toEqual(
          placeholders(english[key] ?? '').toSorted(),
        )
    })

    it('mostly differ from the English ones: at most five of them are equal', () => {
      const same = Object.keys(words).filter((key) => words[key] === english[key])
      expect(same.length).toBeLessThan(6)
    })
  },
)

describe('createLanguage', () => {
  const { t, tn, listOf } = createRoot(() => createLanguage(() => 'en'))

  it('chooses the plural form by count', () => {
    expect(tn('message.replies', 1)).toBe('1 reply')
    expect(tn('message.replies', 2)).toBe('2 replies')
    expect(tn('message.replies', 0)).toBe('0 replies')
  })

  it('lists two people who are typing', () => {
    expect(t('composer.typingTwo', { name: listOf(['Alice Adams', 'Bob Brown']) })).toBe(
      'Alice Adams and Bob Brown are typing…',
    )
  })

  it('translates an error code instead of showing the server’s message', () => {
    const refusal = new FunctionError('forbidden', 'A guest cannot write here')
    expect(errorText(t, refusal)).toBe(en.problems.forbidden)
    expect(Object.keys(en.problems).toSorted()).toEqual(Object.keys(errorStatus).toSorted())
  })

  it.each([
    ['en-GB', '2026-11-25T15:04:00', /^15:04$/, /25 November 2026/],
    ['en-US', '2026-11-25T15:04:00', /^3:04.PM$/, /November 25, 2026/],
    ['de-AT', '2026-11-25T15:04:00', /^3:04.PM$/, /November 25, 2026/],
  ])('formats times for the region of the browser: %s', (tag, at, time, day) => {
    vi.stubGlobal('navigator', { languages: [tag] })
    onTestFinished(() => void vi.unstubAllGlobals())
    const { timeOf, momentOf } = createRoot(() => createLanguage(() => 'en'))
    expect(timeOf(at)).toMatch(time)
    expect(momentOf(at)).toMatch(day)
  })

  it('inserts a value unchanged, even if the value contains a placeholder or a replacement pattern', () => {
    const label = t('message.label', {
      name: '{{ text }}',
      time: '9:00',
      text: "$& costs $$5 $'",
    })
    expect(label).toBe("{{ text }}, 9:00: $& costs $$5 $'")
  })
})
