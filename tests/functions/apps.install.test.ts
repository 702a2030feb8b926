import { describe, expect, it } from 'vitest'
import { type AppId, deliverAppInstalled } from '#schema/messages/app'
import { expectSameRejection, newRoomId, useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'

const app = useApp()
const poll = 'poll' as AppId

describe('apps.install', () => {
  it.each(['owner', 'moderator'] as const)('lets a room %s install an app', async (alice) => {
    const room = await app.createRoom(['alice'], 'private', { alice })

    expect(await app.call('apps.install', { room, app: poll }, 'alice')).toEqual({})

    expect(await app.call('apps.room', { room }, 'alice')).toMatchObject([{ id: 'poll' }])
  })

  it('publishes the installation to the members once, and to no other user', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'public', { alice: 'owner' })
    const toBob = await app.listen(deliverAppInstalled, { user: 'bob', room }, 'bob')
    const toCharlie = await app.listen(deliverAppInstalled, { user: 'charlie' }, 'charlie')

    await app.call('apps.install', { room, app: poll }, 'alice')
    await app.call('apps.install', { room, app: poll }, 'alice')
    await app.call('apps.uninstall', { room, app: poll }, 'alice')

    const change = { user: 'bob', app: 'poll', room }
    expect(await toBob.next()).toEqual({ ...change, installed: true })
    expect(await toBob.next()).toEqual({ ...change, installed: false })
    const { nc } = await app.connectAs('charlie')
    await nc.flush()
    expect(toCharlie.unread()).toEqual([])
  })

  it('rejects an app that does not exist as not_found', async () => {
    const room = await app.createRoom(['alice'], 'private', { alice: 'owner' })

    const install = app.call('apps.install', { room, app: 'absent' as AppId }, 'alice')

    await expect(install).rejects.toMatchObject({ code: 'not_found' })
  })

  it.each(['member', 'guest'] as const)('rejects a %s as forbidden', async (bob) => {
    const room = await app.createRoom(['alice', 'bob'], 'public', { alice: 'owner', bob })

    const attempt = app.call('apps.install', { room, app: poll }, 'bob')

    await expect(attempt).rejects.toMatchObject({ code: 'forbidden' })
    expect(await app.call('apps.room', { room }, 'alice')).toHaveLength(0)
  })

  it('rejects a non-member with the same error as for an unknown room', async () => {
    const room = await app.createRoom(['alice'], 'private', { alice: 'owner' })

    await expectSameRejection((id) => app.call('apps.install', { room: id, app: poll }, 'bob'), {
      hidden: room,
      absent: newRoomId(),
    })
  })

  it.each(badPayloads({ app: 'poll' }))('rejects invalid input: %s', async (_name, payload) => {
    const room = await app.createRoom(['alice'], 'public', { alice: 'owner' })

    const { status } = await app.request(`as.alice.apps.install.${room}`, payload, 'alice')

    expect(status).toMatch(/^4(00|13)$/)
  })
})
