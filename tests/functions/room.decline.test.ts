import { beforeAll, describe, expect, it } from 'vitest'
import type { RoomId } from '#schema/ids'
import { deliverInvitation } from '#schema/messages/member'
import { expectSameRejection, newRoomId, useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'

const app = useApp()

const forbidden = { code: 'forbidden' }
const invite = (room: RoomId) => app.call('room.invite', { room, userId: 'bob' }, 'alice')
const decline = (room: RoomId) => app.call('room.decline', { room }, 'bob')
const join = (room: RoomId) => app.call('room.join', { room }, 'bob')

async function readInvited(): Promise<RoomId[]> {
  const { invitations } = await app.call('room.invitations', {}, 'bob')
  return invitations.map(({ room }) => room.id)
}

beforeAll(() => app.createUsers('alice', 'bob', 'charlie'))

describe('room.decline', () => {
  it('ends the invitation, and notifies all clients of the invited user', async () => {
    const room = await app.createRoom(['alice'], 'private')
    await invite(room)
    const toBob = await app.listen(deliverInvitation, { user: 'bob', room }, 'bob')

    expect(await decline(room)).toEqual({})
    expect(await decline(room)).toEqual({})

    expect(await toBob.next()).toEqual({ user: 'bob', room })
    expect(await readInvited()).not.toContain(room)
    await expect(join(room)).rejects.toMatchObject(forbidden)
    await expect(app.call('room.info', { room }, 'bob')).rejects.toMatchObject(forbidden)
    expect(await app.readEvents(room)).toEqual([])
  })

  it('makes later invitations to the room silent: they are not published or listed, but can be accepted', async () => {
    const room = await app.createRoom(['alice'], 'private')
    const other = await app.createRoom(['alice'], 'private')
    await invite(room)
    await decline(room)
    const toBob = await app.listen(deliverInvitation, { user: 'bob' }, 'bob')

    for (let time = 0; time < 3; time++) expect(await invite(room)).toEqual({})
    await invite(other)

    const events = await toBob.until((event) => event.room === other)
    expect(events.map((event) => event.room)).not.toContain(room)
    expect(await readInvited()).not.toContain(room)
    await expect(join(room)).resolves.toBeDefined()
  })

  it('rejects a user who has no invitation, with the same error as for an unknown room', async () => {
    const room = await app.createRoom(['alice'], 'private')

    await expectSameRejection(decline, { hidden: room, absent: newRoomId() })
  })

  it.each(badPayloads({}))('rejects invalid input: %s', async (_name, payload) => {
    const room = await app.createRoom(['alice'])

    const { status } = await app.request(`as.bob.room.decline.${room}`, payload, 'bob')

    expect(status).toMatch(/^4(00|13)$/)
  })
})
