import { beforeAll, describe, expect, it } from 'vitest'
import { isCallError } from '#runtime/client'
import { deliverNotify, roomNotify } from '#schema/messages/event'
import { deliverInvitation, roomChanged } from '#schema/messages/member'
import {
  expectSameRejection,
  newRoomId,
  newUserId,
  nextRejection,
  type TestPerson,
  useApp,
} from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'

const app = useApp()

const kick = (room: string, userId: string, as: TestPerson) =>
  app.call('room.kick', { room, userId }, as)

/**
 * Repeats the kick until it is answered: it may time out when concurrent joins keep the runtime
 * busy.
 */
async function kickUntilAnswered(room: string): Promise<void> {
  for (;;) {
    try {
      await kick(room, 'bob', 'alice')
      return
    } catch (error) {
      if (!isCallError(error) || error.code !== 'timeout') throw error
    }
  }
}

beforeAll(() => app.createUsers('alice', 'bob', 'charlie'))

describe('room.kick', () => {
  it('removes and bans a member', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'public', { alice: 'owner' })

    await kick(room, 'bob', 'alice')

    expect(await app.call('room.members', { room }, 'functions')).toEqual({ members: ['alice'] })
    await expect(app.call('room.join', { room }, 'bob')).rejects.toMatchObject({
      code: 'forbidden',
    })
    expect(await app.readEvents(room)).toMatchObject([
      { kind: 'member', action: 'kick', userId: 'bob', by: 'alice' },
    ])
  })

  it('publishes the kick to the removed member', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private', { alice: 'moderator' })
    const toBob = await app.listen(deliverNotify, { user: 'bob', room }, 'bob')

    await kick(room, 'bob', 'alice')

    expect(await toBob.next()).toMatchObject({ event: { action: 'kick', userId: 'bob' } })
  })

  it('makes the function fanout publish later events of a public room to each member, because the banned user would receive broadcasts', async () => {
    const room = await app.createRoom(['alice', 'bob', 'charlie'], 'public', { alice: 'owner' })
    const multicast = await app.listen(roomNotify, { room }, 'charlie')
    const toBob = await app.listen(deliverNotify, { user: 'bob', room }, 'bob')
    const other = await app.createRoom(['alice'])
    const elsewhere = await app.listen(roomNotify, { room: other }, 'charlie')
    // After this message, the runtime has cached that events of this room are broadcast.
    await app.send(room, 'with charlie', 'alice')
    await multicast.next()

    await kick(room, 'charlie', 'alice')
    await app.send(room, 'without charlie', 'alice')
    await app.send(other, 'for all', 'alice')

    await toBob.until(({ event }) => event?.kind === 'message' && event.text === 'without charlie')
    await elsewhere.next()
    expect(multicast.unread()).toEqual([])
  })

  it.each(['public', 'private'] as const)(
    'keeps a kicked member out of a %s room even if they call room.join during the kick',
    async (kind) => {
      const roomIds = await Promise.all(
        Array.from({ length: 20 }, () =>
          app.createRoom(['alice', 'bob'], kind, { alice: 'owner' }),
        ),
      )

      await Promise.all(
        roomIds.map(async (room) => {
          let isDone = false
          const kicked = kickUntilAnswered(room).finally(() => {
            isDone = true
          })
          while (!isDone) {
            const joins = Array.from({ length: 5 }, () => app.call('room.join', { room }, 'bob'))
            await Promise.allSettled(joins)
          }
          await kicked
        }),
      )

      for (const room of roomIds)
        expect(await app.call('room.members', { room }, 'functions')).toEqual({
          members: ['alice'],
        })
    },
  )

  it('stores one kick event for repeated calls', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'public', { alice: 'owner' })

    await kick(room, 'bob', 'alice')
    await kick(room, 'bob', 'alice')

    expect(await app.readEvents(room)).toHaveLength(1)
  })

  it.each([
    ['of a member by a member', 'member', 'member'],
    ['of a member by a guest', 'guest', 'member'],
    ['of a moderator by a moderator', 'moderator', 'moderator'],
    ['of an owner by a moderator', 'moderator', 'owner'],
  ] as const)('rejects a kick %s as forbidden', async (_name, bob, alice) => {
    const room = await app.createRoom(['alice', 'bob'], 'public', { alice, bob })

    await expect(kick(room, 'alice', 'bob')).rejects.toMatchObject({ code: 'forbidden' })
    expect(await app.readEvents(room)).toEqual([])
  })

  it('publishes the event room.changed with the id of the removed member', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private', { alice: 'owner' })
    const changes = await app.listen(roomChanged, { room }, 'functions')

    await kick(room, 'bob', 'alice')

    expect(await changes.next()).toEqual({ room, action: 'leave', userId: 'bob' })
  })

  it('rejects a call by a non-member with the same error as for an unknown room', async () => {
    const room = await app.createRoom(['alice'], 'private')
    const absent = newRoomId()

    await expectSameRejection((id) => kick(id, 'alice', 'bob'), { hidden: room, absent })
    expect(await app.readEvents(room)).toEqual([])
  })

  it('rejects a kick by a moderator who left', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private', { bob: 'moderator' })
    await app.call('room.leave', { room }, 'bob')

    expect(await nextRejection(() => kick(room, 'alice', 'bob'))).toBe('forbidden')
  })

  it('rejects a kick from a direct room as forbidden', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'direct', { bob: 'owner' })

    await expect(kick(room, 'alice', 'bob')).rejects.toMatchObject({ code: 'forbidden' })
  })

  it.each(['public', 'private'] as const)(
    'bans a user who has left or never joined a %s room, and publishes no event about the ban',
    async (kind) => {
      const room = await app.createRoom(['alice', 'bob'], kind, { alice: 'moderator' })
      await app.call('room.leave', { room }, 'bob')
      const toCharlie = await app.listen(deliverNotify, { user: 'charlie' }, 'charlie')

      for (const user of ['bob', 'charlie'] as const) {
        await kick(room, user, 'alice')
        await kick(room, user, 'alice')

        const join = app.call('room.join', { room }, user)
        await expect(join).rejects.toMatchObject({ code: 'forbidden' })
        expect(await nextRejection(() => app.call('chat.sync', { room, since: 0 }, user))).toBe(
          'forbidden',
        )
      }
      expect((await app.readEvents(room)).map(({ kind }) => kind)).toEqual(['member'])
      const { nc } = await app.connectAs('charlie')
      await nc.flush()
      expect(toCharlie.unread().filter((notice) => notice.room === room)).toEqual([])
    },
  )

  it('stops publishing the events of a public room to a banned user who was not a member', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'public', { alice: 'owner' })
    const toCharlie = await app.listen(roomNotify, { room }, 'charlie')
    const toBob = await app.listen(deliverNotify, { user: 'bob', room }, 'bob')
    await app.send(room, 'for all', 'alice')
    await toCharlie.next()

    await kick(room, 'charlie', 'alice')
    await app.send(room, 'without charlie', 'alice')

    await toBob.until(({ event }) => event?.kind === 'message' && event.text === 'without charlie')
    const { nc } = await app.connectAs('charlie')
    await nc.flush()
    expect(toCharlie.unread()).toEqual([])
  })

  it('revokes the invitations that the banned user has received or sent', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private', { alice: 'owner' })
    await app.call('room.invite', { room, userId: 'charlie' }, 'bob')
    const toCharlie = await app.listen(deliverInvitation, { user: 'charlie', room }, 'charlie')

    await kick(room, 'bob', 'alice')

    expect(await toCharlie.next()).toEqual({ user: 'charlie', room })
    await expect(app.call('room.join', { room }, 'charlie')).rejects.toMatchObject({
      code: 'forbidden',
    })
  })

  it('rejects as forbidden callers who kick themselves or a user who has never logged in', async () => {
    const room = await app.createRoom(['alice'], 'public', { alice: 'owner' })

    for (const userId of ['alice', newUserId()])
      await expect(kick(room, userId, 'alice')).rejects.toMatchObject({ code: 'forbidden' })
    expect((await app.call('room.bans', { room }, 'alice')).bans).toEqual([])
  })

  it.each(badPayloads({ userId: 'bob' }))('rejects invalid input: %s', async (_name, payload) => {
    const room = await app.createRoom(['alice'], 'public', { alice: 'owner' })

    const { status } = await app.request(`as.alice.room.kick.${room}`, payload, 'alice')

    expect(status).toMatch(/^4(00|13)$/)
  })
})
