import { describe, expect, it } from 'vitest'
import { findApertium } from '../../stack/install/apertium.ts'
import { joinPieces, useTranslation } from '../support/translation-fixture.ts'

const test = useTranslation(async () => ({ OLLAMA_URL: '', APERTIUM_MODES: await findApertium() }))

describe('translate.run with Apertium', () => {
  it('translates a message from its detected language', async () => {
    const room = await test.app.createRoom(['alice'])
    const box = await test.listen('alice')
    const text = 'The house is big. Ask @bob in #general, or run `npm test`.'

    const { msgKey, ...answer } = await test.request(await test.send(room, text), 'alice')

    expect(answer).toEqual({ state: 'started', engine: 'apertium', from: 'en' })
    const output = joinPieces(await test.piecesOf(box, msgKey))
    expect(output).toMatch(/^La casa es grande\. /)
    for (const part of ['@bob', '#general', '`npm test`']) expect(output).toContain(part)
  })

  it('translates Spanish into English for a reader whose language is British English', async () => {
    const room = await test.app.createRoom(['alice'])
    const box = await test.listen('alice')
    const notifyId = await test.send(room, 'La casa es grande y el jardín es pequeño.')

    const { msgKey } = await test.request(notifyId, 'alice', { targetLang: 'en-GB' })

    const pieces = await test.piecesOf(box, msgKey)
    expect(joinPieces(pieces)).toBe('The house is big and the garden is small.')
    expect(pieces[0]).toMatchObject({ engine: 'apertium', from: 'es', targetLang: 'en' })
  })

  it('rejects with not_found a language pair that no engine supports', async () => {
    const room = await test.app.createRoom(['alice'])
    const german = await test.send(room, 'Wir treffen uns morgen früh im Büro am Bahnhof.')

    for (const targetLang of ['es', 'zh'])
      await expect(test.request(german, 'alice', { targetLang })).rejects.toMatchObject({
        code: 'not_found',
      })
  })

  it('lets translate.ping list the language pairs of Apertium', async () => {
    const { available, engines } = await test.app.call('translate.ping', {}, 'charlie')

    expect(available).toBe(true)
    expect(engines).toEqual([
      {
        name: 'apertium',
        available: true,
        pairs: expect.objectContaining({ es: expect.anything() }),
      },
    ])
  })
})
