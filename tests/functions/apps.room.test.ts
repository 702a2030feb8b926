import { describe, expect, it } from 'vitest'
import type { AppId } from '#schema/messages/app'
import { expectSameRejection, newRoomId, nextRejection, useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'

const app = useApp()
const poll = 'poll' as AppId

describe('apps.room', () => {
  it('returns to each member the apps that are installed in the room', async () => {
    const room = await app.createRoom(['alice', 'charlie'], 'private', { alice: 'owner' })
    expect(await app.call('apps.room', { room }, 'charlie')).toEqual([])

    await app.call('apps.install', { room, app: poll }, 'alice')

    expect(await app.call('apps.room', { room }, 'charlie')).toMatchObject([
      { id: 'poll', name: 'Poll', version: '1.0.0', subjectPrefix: 'app.poll' },
    ])
  })

  it.each(['public', 'private'] as const)(
    'rejects a non-member of a %s room with the same error as for an unknown room',
    async (kind) => {
      const room = await app.createRoom(['alice'], kind)

      await expectSameRejection((id) => app.call('apps.room', { room: id }, 'bob'), {
        hidden: room,
        absent: newRoomId(),
      })
    },
  )

  it('rejects a user who has left the room', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private')
    await app.call('room.leave', { room }, 'bob')

    expect(await nextRejection(() => app.call('apps.room', { room }, 'bob'))).toBe('forbidden')
  })

  it.each(badPayloads({}))('rejects invalid input: %s', async (_name, payload) => {
    const room = await app.createRoom(['alice'])

    const { status } = await app.request(`as.alice.apps.room.${room}`, payload, 'alice')

    expect(status).toMatch(/^4(00|13)$/)
  })
})
