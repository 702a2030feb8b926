import { describe, expect, it } from 'vitest'
import { chooseSource, detectLanguage, isOtherLanguage } from '#domain/translation/language'

const pairs = { en: ['es'], es: ['en', 'it'], fr: ['es'] }

describe('detectLanguage', () => {
  it.each([
    ['Hello, how are you today?', 'en'],
    ['Guten Morgen zusammen, wie geht es euch?', 'de'],
    ['La casa es grande y bonita.', 'es'],
    ['你好世界', 'zh'],
    ['مرحبا بالعالم', 'ar'],
  ])('detects that %j is %s', async (text, language) => {
    expect((await detectLanguage(text)).language).toBe(language)
  })

  it('returns no language for a text that is too short', async () => {
    expect((await detectLanguage('ok')).language).toBeUndefined()
  })
})

describe('chooseSource', () => {
  it('returns a language that the engine can translate, if the text fits several similar languages', async () => {
    expect(chooseSource(await detectLanguage('Hola mundo'), 'en', pairs)).toBe('es')
  })

  it.each([
    ['Wir treffen uns morgen früh im Büro.', 'es'],
    ['The house is big and the garden is small.', 'de'],
    ['你好世界', 'es'],
  ])(
    'returns unsupported if the engine cannot translate the language of %j into %s',
    async (text, to) => {
      expect(chooseSource(await detectLanguage(text), to, pairs)).toBe('unsupported')
    },
  )

  it('returns undefined for a text in an unclear language if the engine translates all languages', async () => {
    expect(chooseSource(await detectLanguage('ok'), 'es', undefined)).toBeUndefined()
  })
})

describe('isOtherLanguage', () => {
  it.each([
    ['The house is big and the garden is small, but we like it here.', 'es', true],
    ['La casa es grande y el jardín es pequeño, pero nos gusta estar aquí.', 'es', false],
    ['Short English text.', 'es', false],
  ])('returns for the text %j and the expected language %s: %s', async (text, expected, result) => {
    expect(await isOtherLanguage(text, expected)).toBe(result)
  })
})
