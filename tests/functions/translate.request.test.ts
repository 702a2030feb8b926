import { afterEach, describe, expect, it, vi } from 'vitest'
import { deliverTranslation } from '#schema/messages/translate'
import { TRANSLATE_CACHE, TRANSLATE_RUNS } from '#schema/streams'
import { expectSameRejection, newMessageId } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'
import { say, sayAfter, writePiece } from '../support/ollama.ts'
import { joinPieces, useTranslation } from '../support/translation-fixture.ts'

const test = useTranslation()
afterEach(() => test.ollama.answer(say('hola')))

const english = 'We will meet tomorrow in the office.'

describe('translate.request', () => {
  it('answers at once, then publishes the translation in pieces, in order and to the caller only', async () => {
    const room = await test.app.createRoom(['alice', 'bob'])
    const notifyId = await test.send(room, english)
    const [toBob, toAlice] = [await test.listen('bob'), await test.listen('alice')]
    const gate = Promise.withResolvers<void>()
    test.ollama.answer(sayAfter(gate.promise, 'Nos vemos ', 'mañana ', 'en la oficina.'))

    const { msgKey, ...answer } = await test.request(notifyId, 'bob')
    expect(answer).toEqual({ state: 'started', engine: 'ollama', from: 'en' })
    expect(toBob.unread()).toEqual([])
    gate.resolve()

    const pieces = await test.piecesOf(toBob, msgKey)
    expect(joinPieces(pieces)).toBe('Nos vemos mañana en la oficina.')
    expect(pieces.map(({ done }) => done)).toEqual(
      pieces.map((_, index) => index === pieces.length - 1),
    )
    expect(pieces[0]).toMatchObject({ user: 'bob', targetLang: 'es', engine: 'ollama', from: 'en' })
    expect(toAlice.unread()).toEqual([])
  })

  it('delivers the first piece before the translation is complete', async () => {
    const room = await test.app.createRoom(['alice'])
    const notifyId = await test.send(room, english)
    const box = await test.listen('alice')
    const gate = Promise.withResolvers<void>()
    test.ollama.answer(async (response, prompt) => {
      writePiece(response, 'Nos ')
      await gate.promise
      await say('vemos.')(response, prompt)
    })

    await test.request(notifyId, 'alice')

    expect(await box.next()).toMatchObject({ translatedText: 'Nos ', offset: 0, done: false })
    gate.resolve()
    expect((await box.until(({ done }) => done)).at(-1)?.error).toBeUndefined()
  })

  it('publishes a cached translation in one piece, without a request to the engine', async () => {
    const room = await test.app.createRoom(['alice', 'bob'])
    const notifyId = await test.send(room, english)
    const [toAlice, toBob] = [await test.listen('alice'), await test.listen('bob')]
    await test.piecesOf(toAlice, (await test.request(notifyId, 'alice')).msgKey)
    const prompts = test.ollama.prompts.length

    const { msgKey, state } = await test.request(notifyId, 'bob')

    expect(state).toBe('cached')
    const [piece] = await test.piecesOf(toBob, msgKey)
    expect(piece).toMatchObject({ translatedText: 'hola', offset: 0, done: true, from: 'en' })
    expect(test.ollama.prompts).toHaveLength(prompts)
  })

  it('translates a message once per language, even for 50 concurrent requests to two processes', async () => {
    const room = await test.app.createRoom(['alice', 'bob'])
    const notifyId = await test.send(room, english)
    const [toAlice, toBob] = [await test.listen('alice'), await test.listen('bob')]
    const gate = Promise.withResolvers<void>()
    test.ollama.answer(sayAfter(gate.promise, 'todos ', 'juntos'))
    const prompts = test.ollama.prompts.length
    const readers = Array.from({ length: 50 }, (_, index) =>
      index % 2 ? ('alice' as const) : ('bob' as const),
    )

    const keys = await Promise.all(readers.map((as) => test.request(notifyId, as)))
    const other = await test.request(notifyId, 'alice', { targetLang: 'fr' })
    gate.resolve()

    const texts = new Map<string, string>()
    const waiting = new Set([...keys.map(({ msgKey }) => msgKey), other.msgKey])
    const collect = async (box: typeof toAlice, mine: Set<string>) => {
      while (mine.size > 0) {
        const { msgKey, translatedText, offset, done } = await box.next()
        expect(offset).toBe(texts.get(msgKey)?.length ?? 0)
        texts.set(msgKey, (texts.get(msgKey) ?? '') + translatedText)
        if (done) mine.delete(msgKey)
      }
    }
    const ofBob = new Set(keys.flatMap(({ msgKey }, i) => (readers[i] === 'bob' ? [msgKey] : [])))
    await Promise.all([collect(toBob, ofBob), collect(toAlice, waiting.difference(ofBob))])
    expect(new Set(texts.values())).toEqual(new Set(['todos juntos']))
    expect(texts.size).toBe(51)
    expect(test.ollama.prompts).toHaveLength(prompts + 2)
  })

  it('translates a draft of the caller without caching the translation', async () => {
    const box = await test.listen('bob')
    const cache = await test.app.openBucket(TRANSLATE_CACHE)
    const before = (await cache.status()).values
    const msgKey = crypto.randomUUID()

    await test.app.call('translate.request', { text: english, targetLang: 'es', msgKey }, 'bob')

    expect(joinPieces(await test.piecesOf(box, msgKey))).toBe('hola')
    expect((await cache.status()).values).toBe(before)
  })

  it('translates an edited message again', async () => {
    const room = await test.app.createRoom(['alice'])
    const notifyId = await test.send(room, english)
    const box = await test.listen('alice')
    await test.piecesOf(box, (await test.request(notifyId, 'alice')).msgKey)
    await test.app.call('msg.edit', { notifyId, text: 'We will not meet tomorrow.' }, 'alice')
    test.ollama.answer(say('No nos vemos'))

    const { msgKey, state } = await test.request(notifyId, 'alice')

    expect(state).toBe('started')
    expect(joinPieces(await test.piecesOf(box, msgKey))).toBe('No nos vemos')
  })

  it('skips a message in a language that the reader knows, and one without words', async () => {
    const room = await test.app.createRoom(['alice'])
    const words = await test.send(room, english)
    const link = await test.send(room, 'https://example.com/ `code` @bob')

    expect(await test.request(words, 'alice', { skip: ['en-GB'] })).toMatchObject({
      state: 'skipped',
    })
    expect(await test.request(link, 'alice')).toMatchObject({ state: 'skipped' })
  })

  it.each(['public', 'private'] as const)(
    'rejects a deleted message of a %s room, and a kicked member, with the same error as for an unknown message, even if a translation is cached',
    async (kind) => {
      const room = await test.app.createRoom(['alice', 'bob', 'charlie'], kind, { alice: 'owner' })
      const notifyId = await test.send(room, english)
      const box = await test.listen('alice')
      await test.piecesOf(box, (await test.request(notifyId, 'alice')).msgKey)
      const absent = `zz-${newMessageId()}` as typeof notifyId
      const call = (id: typeof notifyId) => test.request(id, 'bob')

      await test.app.call('room.kick', { room, userId: 'bob' }, 'alice')
      await vi.waitFor(() => expect(call(notifyId)).rejects.toMatchObject({ code: 'forbidden' }))
      await expectSameRejection(call, { hidden: notifyId, absent })
      await test.app.call('msg.delete', { notifyId }, 'alice')
      await expectSameRejection((id) => test.request(id, 'alice'), { hidden: notifyId, absent })
    },
  )

  it('erases the cached translations of a message that is deleted, and ends running ones', async () => {
    const room = await test.app.createRoom(['alice'])
    const notifyId = await test.send(room, english)
    const id = notifyId.split('-')[1] ?? ''
    const box = await test.listen('alice')
    await test.piecesOf(box, (await test.request(notifyId, 'alice')).msgKey)
    const cache = await test.app.openBucket(TRANSLATE_CACHE)
    const cached = async () => Array.fromAsync(await cache.keys(`${id}.*`))
    expect(await cached()).toHaveLength(1)
    const gate = Promise.withResolvers<void>()
    test.ollama.answer(sayAfter(gate.promise, 'tarde'))
    const { msgKey } = await test.request(notifyId, 'alice', { targetLang: 'fr' })
    await vi.waitFor(async () => {
      const runs = await test.app.openBucket(TRANSLATE_RUNS)
      expect(await Array.fromAsync(await runs.keys(`${id}.*`))).toHaveLength(1)
    })

    await test.app.call('msg.delete', { notifyId }, 'alice')

    const last = (await test.piecesOf(box, msgKey)).at(-1)
    expect(last).toMatchObject({ done: true, error: { code: 'conflict' } })
    gate.resolve()
    expect(await cached()).toEqual([])
  })

  it.each([
    ['loses a protected part', ['Pregunta a Bob.'], 'unusable'],
    ['is empty', [''], 'unusable'],
    ['is far too long', ['bla '.repeat(400)], 'unusable'],
    [
      'is in another language',
      [
        'Hier sind einige Möglichkeiten, wie man diese Nachricht an ⟦0⟧ ins Spanische übersetzen kann.',
      ],
      'unusable',
    ],
  ])('rejects a translation that %s', async (_name, output, code) => {
    const room = await test.app.createRoom(['alice'])
    const notifyId = await test.send(room, 'Please ask @bob about the office.')
    const box = await test.listen('alice')
    test.ollama.answer(say(...output))

    const { msgKey } = await test.request(notifyId, 'alice')

    const last = (await test.piecesOf(box, msgKey)).at(-1)
    expect(last).toMatchObject({ done: true, error: { code } })
    test.ollama.answer(say('Pregunta a ⟦0⟧.'))
    const again = await test.request(notifyId, 'alice')
    expect(again.state).toBe('started')
    expect(joinPieces(await test.piecesOf(box, again.msgKey))).toBe('Pregunta a @bob.')
  })

  it('ends a translation after 15 seconds without output of the engine', async () => {
    const room = await test.app.createRoom(['alice'])
    const box = await test.listen('alice')
    const [silent, amid] = [
      await test.send(room, english),
      await test.send(room, `${english} Bye.`),
    ]
    test.ollama.answer(() => undefined)
    const before = await test.request(silent, 'alice')
    await vi.waitFor(() => expect(test.ollama.prompts.at(-1)).not.toContain('Bye'))
    test.ollama.answer((response) => writePiece(response, 'Nos '))
    const during = await test.request(amid, 'alice')
    const keys = new Set([before.msgKey, during.msgKey])

    const errors: unknown[] = []
    while (keys.size > 0) {
      const { msgKey, done, error } = await box.next()
      if (done && keys.delete(msgKey)) errors.push(error?.code)
    }
    expect(errors).toEqual(['timeout', 'timeout'])
  }, 40_000)

  it('publishes a last piece with done: true for every translation, even for one that a full queue rejects', async () => {
    const box = await test.listen('bob')
    const gate = Promise.withResolvers<void>()
    test.ollama.answer(sayAfter(gate.promise, 'hola'))
    // Each of the two processes translates 2 texts at once and queues 100, so the queues reject
    // some of the 300 texts.
    const texts = Array.from({ length: 300 }, (_, index) => `${english} ${index}`)
    const keys = new Set<string>()
    const errors: string[] = []

    await Promise.all(
      texts.map((text) => {
        const msgKey = crypto.randomUUID()
        keys.add(msgKey)
        return test.app.call('translate.request', { text, targetLang: 'es', msgKey }, 'bob')
      }),
    )
    gate.resolve()

    while (keys.size > 0) {
      const { msgKey, done, error } = await box.next()
      if (done) keys.delete(msgKey)
      if (error) errors.push(error.code)
    }
    expect(new Set(errors)).toEqual(new Set(['overloaded']))
  })

  it('ends a translation when its only listener has unsubscribed', async () => {
    const room = await test.app.createRoom(['alice'])
    const notifyId = await test.send(room, english)
    const aborted = test.ollama.aborted()
    test.ollama.answer((response) => writePiece(response, 'Nos '))
    const { client } = await test.app.connectAs('charlie')
    const stop = client.listen(deliverTranslation, { user: 'charlie' }, () => stop())

    await test.request(notifyId, 'charlie')

    await vi.waitFor(() => expect(test.ollama.aborted()).toBe(aborted + 1), { timeout: 15_000 })
  })

  it.each([
    ...badPayloads({ notifyId: `1-${newMessageId()}`, targetLang: 'es', msgKey: 'k' }).map(
      ([, payload]) => payload,
    ),
    '{"text":"","targetLang":"es","msgKey":"k"}',
    '{"text":"x","targetLang":"../es","msgKey":"k"}',
    '{"text":"x","targetLang":"es","msgKey":"a b"}',
    `{"text":"${'x'.repeat(8_001)}","targetLang":"es","msgKey":"k"}`,
    '{"text":"x","targetLang":"es","msgKey":"k","user":"bob"}',
  ])('rejects invalid input: %s', async (payload) => {
    const { status } = await test.app.request('as.alice.translate.request', payload, 'alice')

    expect(status).toMatch(/^4(00|13)$/)
  })
})
