import { describe, expect, it, vi } from 'vitest'
import { say, writePiece } from '../support/ollama.ts'
import { joinPieces, useTranslation } from '../support/translation-fixture.ts'

const test = useTranslation()
const english = 'We will meet tomorrow in the office.'

/** Calls `translate.ping` often enough to reach both runtimes. Returns the distinct answers. */
async function pingBoth() {
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => test.app.call('translate.ping', {}, 'charlie')),
  )
  return [...new Set(answers.map(({ available }) => available))]
}

describe('translate.ping', () => {
  it('returns the engines in order of preference, and for an unavailable engine the reason and a command that makes it available', async () => {
    const answer = await test.app.call('translate.ping', {}, 'charlie')

    expect(answer).toEqual({
      available: true,
      engines: [
        { name: 'ollama', available: true },
        {
          name: 'apertium',
          available: false,
          reason: expect.stringContaining('/nonexistent'),
          remedy: expect.stringContaining('apt-get install'),
        },
      ],
    })
  })

  it('reports in all processes that an engine has died during a translation, and later that it works again', async () => {
    const room = await test.app.createRoom(['alice'])
    const notifyId = await test.send(room, english)
    const box = await test.listen('alice')
    const arrived = Promise.withResolvers<void>()
    test.ollama.answer((response) => {
      writePiece(response, 'Nos ')
      arrived.resolve()
    })
    const { msgKey } = await test.request(notifyId, 'alice')
    await arrived.promise

    await test.ollama.kill()

    const last = (await test.piecesOf(box, msgKey)).at(-1)
    expect(last).toMatchObject({ done: true, error: { code: 'unavailable' } })
    await vi.waitFor(async () => expect(await pingBoth()).toEqual([false]), { timeout: 10_000 })
    await expect(test.request(notifyId, 'alice')).rejects.toMatchObject({
      code: 'unavailable',
      details: { remedy: 'ollama serve' },
    })

    await test.ollama.restart()
    test.ollama.answer(say('Nos vemos'))
    const timeout = { timeout: 60_000, interval: 500 }
    await vi.waitFor(async () => expect(await pingBoth()).toEqual([true]), timeout)
    const again = await test.request(notifyId, 'alice')
    expect(joinPieces(await test.piecesOf(box, again.msgKey))).toBe('Nos vemos')
  }, 90_000)

  it('reports that a model is missing, and the command that adds it', async () => {
    test.ollama.models('other:latest')
    test.ollama.answer((response) => void response.writeHead(404).end('{"error":"no model"}'))
    const room = await test.app.createRoom(['alice'])
    const box = await test.listen('alice')
    const { msgKey } = await test.request(await test.send(room, english), 'alice')
    await test.piecesOf(box, msgKey)

    await vi.waitFor(async () => {
      expect(await test.app.call('translate.ping', {}, 'alice')).toMatchObject({
        available: false,
        reason: expect.stringContaining('no model test-model'),
        remedy: 'ollama pull test-model',
      })
    })
  })
})
