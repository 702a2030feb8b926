import { expect, it, vi } from 'vitest'
import { translationFailed } from '#schema/messages/translate'
import { useTranslation } from '../support/translation-fixture.ts'

const test = useTranslation()

it('translate.failed makes every process probe the translation engine', async () => {
  const { nc } = await test.app.connectAs('functions')
  const ping = () =>
    Promise.all(Array.from({ length: 20 }, () => test.app.call('translate.ping', {}, 'alice')))
  await test.ollama.kill()
  expect((await ping()).every(({ available }) => available)).toBe(true)

  nc.publish(translationFailed.subject, JSON.stringify({ engine: 'ollama' }))

  await vi.waitFor(async () =>
    expect((await ping()).every(({ available }) => !available)).toBe(true),
  )
})
