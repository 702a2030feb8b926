import { describe, expect, it } from 'vitest'
import { type AppId, deliverAppUpdated } from '#schema/messages/app'
import { useApp } from '../../tests/support/app.ts'

const app = useApp()

describe('the app __name__', () => {
  it('publishes a roll to the members of the room, and lists it', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private', { alice: 'owner' })
    await app.call('apps.install', { room, app: '__name__' as AppId }, 'alice')
    const toBob = await app.listen(deliverAppUpdated, { user: 'bob', room }, 'bob')

    const rolled = await app.act('__name__', room, 'roll', {}, 'alice')

    expect(rolled).toMatchObject({ user: 'alice', result: expect.any(Number) })
    expect(await toBob.next()).toMatchObject({ version: 1, data: rolled })
    expect(await app.act('__name__', room, 'list', {}, 'bob')).toEqual({ rolls: [rolled] })
  })
})
