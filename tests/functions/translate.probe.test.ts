import { expect, it, vi } from 'vitest'
import { translationProbed } from '#schema/messages/translate'
import { TRANSLATE } from '#schema/streams'
import { useTranslation } from '../support/translation-fixture.ts'

const test = useTranslation()

it('translate.probe stores and publishes the state of the translation engines', async () => {
  const box = await test.app.listen(translationProbed, {}, 'functions')

  const { engines } = await vi.waitFor(() => box.next(), { timeout: 60_000 })

  expect(engines).toMatchObject([
    { name: 'ollama', available: true },
    { name: 'apertium', available: false },
  ])
  const bucket = await test.app.openBucket(TRANSLATE)
  expect((await bucket.get('health'))?.json()).toEqual({ engines })
}, 70_000)
