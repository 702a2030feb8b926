import { beforeAll, describe, expect, it } from 'vitest'
import { useApp } from '../support/app.ts'

const app = useApp()

async function readInvitations() {
  return (await app.call('room.invitations', {}, 'bob')).invitations
}

beforeAll(() => app.createUsers('alice', 'bob'))

describe('room.invitations', () => {
  it('returns the pending invitations of the caller, newest first', async () => {
    const rooms = [await app.createRoom(['alice'], 'private'), await app.createRoom(['alice'])]
    for (const room of rooms) await app.call('room.invite', { room, userId: 'bob' }, 'alice')

    const [newest, older] = await readInvitations()

    const invitation = { by: 'alice', at: expect.stringMatching(/Z$/) }
    expect(newest).toEqual({
      ...invitation,
      room: { id: rooms[1], name: 'A room', kind: 'public' },
    })
    expect(older).toEqual({
      ...invitation,
      room: { id: rooms[0], name: 'A room', kind: 'private' },
    })
  })

  it('omits an accepted invitation, even after the user has left the room', async () => {
    const room = await app.createRoom(['alice'], 'private')

    await app.inviteAndJoin(room, 'bob', 'alice')
    await app.call('room.leave', { room }, 'bob')

    expect((await readInvitations()).map((invitation) => invitation.room.id)).not.toContain(room)
    await expect(app.call('room.join', { room }, 'bob')).rejects.toMatchObject({
      code: 'forbidden',
    })
  })

  it('omits an invitation to an archived room', async () => {
    const room = await app.createRoom(['alice'], 'private', { alice: 'owner' })
    await app.call('room.invite', { room, userId: 'bob' }, 'alice')

    await app.call('room.archive', { room }, 'alice')

    expect((await readInvitations()).map((invitation) => invitation.room.id)).not.toContain(room)
  })
})
