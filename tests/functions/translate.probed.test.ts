import { describe, expect, it, vi } from 'vitest'
import { type EngineState, translationProbed } from '#schema/messages/translate'
import { say } from '../support/ollama.ts'
import { useTranslation } from '../support/translation-fixture.ts'

const test = useTranslation()

async function publishProbe(state: EngineState) {
  const { nc } = await test.app.connectAs('functions')
  nc.publish(translationProbed.subject, JSON.stringify({ engines: [state] }))
  await nc.flush()
}

async function pingBoth() {
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => test.app.call('translate.ping', {}, 'alice')),
  )
  return [...new Set(answers.map(({ available }) => available))]
}

describe('translate.probed', () => {
  it('changes the answers of translate.ping in all processes', async () => {
    await publishProbe({ name: 'ollama', available: false, reason: 'it was killed' })
    await vi.waitFor(async () => expect(await pingBoth()).toEqual([false]))

    await publishProbe({ name: 'ollama', available: true })
    await vi.waitFor(async () => expect(await pingBoth()).toEqual([true]))
  })

  it('makes a failed engine available again only in processes that reach the engine themselves', async () => {
    await test.ollama.kill()
    const box = await test.listen('alice')
    const msgKey = crypto.randomUUID()
    const text = 'We will meet tomorrow in the office.'
    await test.app.call('translate.request', { text, targetLang: 'es', msgKey }, 'alice')
    await test.piecesOf(box, msgKey)
    await vi.waitFor(async () => expect(await pingBoth()).toEqual([false]))

    await publishProbe({ name: 'ollama', available: true })
    expect(await pingBoth()).toEqual([false])

    await test.ollama.restart()
    test.ollama.answer(say('hola'))
    await publishProbe({ name: 'ollama', available: true })
    await vi.waitFor(async () => expect(await pingBoth()).toEqual([true]))
  })
})
