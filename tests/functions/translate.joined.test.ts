import { expect, it } from 'vitest'
import { say, writePiece } from '../support/ollama.ts'
import { joinPieces, useTranslation } from '../support/translation-fixture.ts'

const test = useTranslation()

it('translate.joined adds a listener to a running translation, who receives the text so far and the rest', async () => {
  const room = await test.app.createRoom(['alice', 'bob'])
  const notifyId = await test.send(room, 'We will meet tomorrow in the office.')
  const [toAlice, toBob] = [await test.listen('alice'), await test.listen('bob')]
  const gate = Promise.withResolvers<void>()
  test.ollama.answer(async (response, prompt) => {
    writePiece(response, 'Nos ')
    await gate.promise
    await say('vemos')(response, prompt)
  })
  const first = await test.request(notifyId, 'alice')
  const begin = await toAlice.next()

  const second = await test.request(notifyId, 'bob')

  const early = await toBob.next()
  expect(early).toMatchObject({ translatedText: 'Nos ', offset: 0, done: false })
  gate.resolve()
  expect(joinPieces([early, ...(await test.piecesOf(toBob, second.msgKey))])).toBe('Nos vemos')
  expect(joinPieces([begin, ...(await test.piecesOf(toAlice, first.msgKey))])).toBe('Nos vemos')
})
