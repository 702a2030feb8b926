import { describe, expect, it } from 'vitest'
import { useTranslation } from '../support/translation-fixture.ts'

const test = useTranslation()

describe('translate.cancel', () => {
  it('has no effect if no translation was requested with the given `msgKey`', async () => {
    expect(await test.app.call('translate.cancel', { msgKey: 'unknown' }, 'alice')).toEqual({})
  })

  it('rejects an empty `msgKey` as invalid', async () => {
    await expect(test.app.call('translate.cancel', { msgKey: '' }, 'alice')).rejects.toMatchObject({
      code: 'invalid',
    })
  })
})
