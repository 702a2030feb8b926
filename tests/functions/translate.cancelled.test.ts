import { expect, it } from 'vitest'
import { say, writePiece } from '../support/ollama.ts'
import { joinPieces, useTranslation } from '../support/translation-fixture.ts'

const test = useTranslation()

it('translate.cancelled ends the delivery to the listener who cancels, and ends the translation when the last listener cancels', async () => {
  const room = await test.app.createRoom(['alice', 'bob'])
  const notifyId = await test.send(room, 'We will meet tomorrow in the office.')
  const [toAlice, toBob] = [await test.listen('alice'), await test.listen('bob')]
  const [gate, closed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  test.ollama.answer(async (response) => {
    response.on('close', closed.resolve)
    writePiece(response, 'Nos ')
    await gate.promise
    writePiece(response, 'vemos')
    await closed.promise
  })
  const [first, second] = [
    await test.request(notifyId, 'alice'),
    await test.request(notifyId, 'bob'),
  ]
  await toAlice.next()
  await toBob.next()

  // Bob's call has no effect: he cannot cancel alice's request, even if he knows its `msgKey`.
  await test.app.call('translate.cancel', { msgKey: first.msgKey }, 'bob')
  await test.app.call('translate.cancel', { msgKey: first.msgKey }, 'alice')

  const cancelled = { done: true, translatedText: '', error: { code: 'cancelled' } }
  expect(await toAlice.next()).toMatchObject(cancelled)
  gate.resolve()
  expect(await toBob.next()).toMatchObject({ translatedText: 'vemos', offset: 4, done: false })
  await test.app.call('translate.cancel', { msgKey: second.msgKey }, 'bob')
  expect(await toBob.next()).toMatchObject(cancelled)
  await closed.promise

  test.ollama.answer(say('otra vez'))
  const again = await test.request(notifyId, 'alice')
  expect(joinPieces(await test.piecesOf(toAlice, again.msgKey))).toBe('otra vez')
})

it('translate.cancelled does not end a translation that is requested again right after the cancellation', async () => {
  const room = await test.app.createRoom(['alice'])
  const pieces = await test.listen('alice')

  for (let round = 0; round < 20; round++) {
    const notifyId = await test.send(room, `We will meet tomorrow in room ${round}.`)
    test.ollama.answer((response) => void writePiece(response, 'Nos '))
    const { msgKey } = await test.request(notifyId, 'alice')
    await pieces.until((piece) => piece.msgKey === msgKey)
    test.ollama.answer(say('otra vez'))

    await test.app.call('translate.cancel', { msgKey }, 'alice')
    const again = await test.request(notifyId, 'alice')

    expect(joinPieces(await test.piecesOf(pieces, again.msgKey))).toBe('otra vez')
  }
})
