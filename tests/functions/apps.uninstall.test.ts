import { describe, expect, it } from 'vitest'
import { type AppId, deliverAppInstalled } from '#schema/messages/app'
import { expectSameRejection, newRoomId, useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'

const app = useApp()
const poll = 'poll' as AppId

describe('apps.uninstall', () => {
  it('uninstalls an app, and publishes the change to each member once', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private', { alice: 'moderator' })
    await app.call('apps.install', { room, app: poll }, 'alice')
    const toBob = await app.listen(deliverAppInstalled, { user: 'bob', room }, 'bob')

    await app.call('apps.uninstall', { room, app: poll }, 'alice')
    expect(await app.call('apps.uninstall', { room, app: poll }, 'alice')).toEqual({})
    await app.call('apps.install', { room, app: poll }, 'alice')

    expect(await toBob.next()).toEqual({ user: 'bob', app: 'poll', room, installed: false })
    expect(await toBob.next()).toMatchObject({ installed: true })
  })

  it('leaves the app installed in other rooms', async () => {
    const [one, two] = [
      await app.createRoom(['alice'], 'private', { alice: 'owner' }),
      await app.createRoom(['alice'], 'private', { alice: 'owner' }),
    ]
    for (const room of [one, two]) await app.call('apps.install', { room, app: poll }, 'alice')

    await app.call('apps.uninstall', { room: one, app: poll }, 'alice')

    expect(await app.call('apps.room', { room: one }, 'alice')).toEqual([])
    expect(await app.call('apps.room', { room: two }, 'alice')).toMatchObject([{ id: 'poll' }])
  })

  it.each(['member', 'guest'] as const)('rejects a %s as forbidden', async (bob) => {
    const room = await app.createRoom(['alice', 'bob'], 'public', { alice: 'owner', bob })
    await app.call('apps.install', { room, app: poll }, 'alice')
    const attempt = app.call('apps.uninstall', { room, app: poll }, 'bob')

    await expect(attempt).rejects.toMatchObject({ code: 'forbidden' })
    expect(await app.call('apps.room', { room }, 'alice')).toHaveLength(1)
  })

  it('rejects a non-member with the same error as for an unknown room', async () => {
    const room = await app.createRoom(['alice'], 'private', { alice: 'owner' })

    await expectSameRejection((id) => app.call('apps.uninstall', { room: id, app: poll }, 'bob'), {
      hidden: room,
      absent: newRoomId(),
    })
  })

  it.each(badPayloads({ app: 'poll' }))('rejects invalid input: %s', async (_name, payload) => {
    const room = await app.createRoom(['alice'], 'public', { alice: 'owner' })

    const { status } = await app.request(`as.alice.apps.uninstall.${room}`, payload, 'alice')

    expect(status).toMatch(/^4(00|13)$/)
  })
})
