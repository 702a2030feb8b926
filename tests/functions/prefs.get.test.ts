import { describe, expect, it } from 'vitest'
import { newRoomId, newUserId, useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'

const app = useApp()

describe('prefs.get', () => {
  it('returns empty preferences and the revision 0 to a user who has stored none', async () => {
    const client = await app.clientFor(newUserId())

    expect(await client.call('prefs.get', {})).toEqual({ prefs: {}, revision: 0 })
  })

  it('returns the preferences of the caller, and none of other users', async () => {
    const [mine, others] = [await app.clientFor(newUserId()), await app.clientFor(newUserId())]
    const room = newRoomId()
    await others.call('prefs.set', { notify: 'all' })
    await mine.call('prefs.set', { language: 'ar', rooms: { [room]: 'none' } })

    const { prefs } = await mine.call('prefs.get', {})

    expect(prefs).toEqual({ language: 'ar', rooms: { [room]: 'none' } })
  })

  it.each(badPayloads({}))('rejects invalid input: %s', async (_name, payload) => {
    const { status } = await app.request('as.charlie.prefs.get', payload, 'charlie')

    expect(status).toMatch(/^4(00|13)$/)
  })
})
