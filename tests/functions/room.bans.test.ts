import { beforeAll, describe, expect, it } from 'vitest'
import type { RoomId } from '#schema/ids'
import { expectSameRejection, newRoomId, type TestPerson, useApp } from '../support/app.ts'

const app = useApp()

const list = (room: RoomId, as: TestPerson) => app.call('room.bans', { room }, as)

beforeAll(() => app.createUsers('alice', 'bob', 'charlie'))

describe('room.bans', () => {
  it('lists the banned users with their names, newest ban first', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private', { alice: 'owner' })
    for (const userId of ['charlie', 'bob']) await app.call('room.kick', { room, userId }, 'alice')

    const { bans } = await list(room, 'alice')

    const ban = { by: 'alice', at: expect.stringMatching(/Z$/), name: expect.any(String) }
    expect(bans).toEqual([
      { ...ban, userId: 'bob' },
      { ...ban, userId: 'charlie' },
    ])
  })

  it('rejects a member as forbidden, and a non-member with the same error as for an unknown room', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private', { alice: 'owner' })

    await expect(list(room, 'bob')).rejects.toMatchObject({ code: 'forbidden' })
    await expectSameRejection((id) => list(id, 'charlie'), { hidden: room, absent: newRoomId() })
  })
})
