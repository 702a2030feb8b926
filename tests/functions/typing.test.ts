import { describe, expect, it } from 'vitest'
import { deliverTyping, roomTyping } from '#schema/messages/presence'
import {
  expectSameRejection,
  newMessageId,
  newRoomId,
  newUserId,
  nextRejection,
  useApp,
} from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'

const app = useApp()

const startTyping = (room: string, as: 'alice' | 'bob' | 'charlie', threadId?: string) =>
  app.call('typing', threadId === undefined ? { room } : { room, threadId }, as)

describe('typing', () => {
  it('publishes the typing user and the thread to a public room', async () => {
    const room = await app.createRoom(['alice', 'bob'])
    const mailbox = await app.listen(roomTyping, { room }, 'charlie')
    const threadId = newMessageId()

    expect(await startTyping(room, 'alice')).toEqual({})
    expect(await startTyping(room, 'bob', threadId)).toEqual({})

    expect(await mailbox.next()).toEqual({ room, userId: 'alice' })
    expect(await mailbox.next()).toEqual({ room, userId: 'bob', threadId })
  })

  it('publishes at most once in three seconds per user and room', async () => {
    const [room, other] = [await app.createRoom(['alice', 'bob']), await app.createRoom(['alice'])]
    const mailbox = await app.listen(roomTyping, { room }, 'bob')
    const elsewhere = await app.listen(roomTyping, { room: other }, 'bob')
    const started = Date.now()

    await Promise.all(Array.from({ length: 10 }, () => startTyping(room, 'alice')))
    await startTyping(other, 'alice')
    await startTyping(room, 'bob')

    expect(await mailbox.next()).toEqual({ room, userId: 'alice' })
    expect(await mailbox.next()).toEqual({ room, userId: 'bob' })
    expect(await elsewhere.next()).toEqual({ room: other, userId: 'alice' })

    const again = mailbox.next()
    const timer = setInterval(() => void startTyping(room, 'alice'), 250)
    expect(await again.finally(() => clearInterval(timer))).toEqual({ room, userId: 'alice' })
    expect(Date.now() - started).toBeGreaterThanOrEqual(2_900)
  })

  it('publishes once in three seconds for each thread, even if the user types in several threads of a room', async () => {
    const room = await app.createRoom(['alice', 'bob'])
    const mailbox = await app.listen(roomTyping, { room }, 'bob')
    const [firstThread, other] = Array.from({ length: 2 }, () => newMessageId())

    for (const threadId of [undefined, firstThread, other, firstThread, undefined, other])
      await startTyping(room, 'alice', threadId)
    await startTyping(room, 'bob')

    const received = await mailbox.until(({ userId }) => userId === 'bob')
    expect(received.map(({ userId, threadId }) => [userId, threadId])).toEqual([
      ['alice', undefined],
      ['alice', firstThread],
      ['alice', other],
      ['bob', undefined],
    ])
  })

  it('publishes typing in a private room to the other members, and to no other user', async () => {
    const secret = await app.createRoom(['alice', 'bob'], 'private')
    const shared = await app.createRoom(['alice', 'charlie'], 'private')
    const toBob = await app.listen(deliverTyping, { user: 'bob' }, 'bob')
    const toAlice = await app.listen(deliverTyping, { user: 'alice' }, 'alice')
    const toCharlie = await app.listen(deliverTyping, { user: 'charlie' }, 'charlie')
    const toAll = await app.listen(roomTyping, {}, 'charlie')

    await startTyping(secret, 'alice')
    await startTyping(shared, 'alice')
    await startTyping(secret, 'bob')
    const open = await app.createRoom(['bob'])
    await startTyping(open, 'bob')

    expect(await toBob.next()).toEqual({ room: secret, user: 'bob', userId: 'alice' })
    expect(await toAlice.next()).toEqual({ room: secret, user: 'alice', userId: 'bob' })
    expect(await toCharlie.next()).toMatchObject({ room: shared })
    const received = await toAll.until(({ room }) => room === open)
    expect(received.filter(({ room }) => room === secret)).toEqual([])
  })

  it('rejects a call by a non-member with the same error as for an unknown room', async () => {
    const room = await app.createRoom(['alice'])
    const absent = newRoomId()

    await expectSameRejection((id) => startTyping(id, 'bob'), { hidden: room, absent })
  })

  it('rejects a guest as forbidden', async () => {
    const room = await app.createRoom([], 'private')
    await app.addMember(room, 'alice', 'private', 'guest')

    await expect(startTyping(room, 'alice')).rejects.toMatchObject({
      code: 'forbidden',
      message: expect.stringContaining('guest'),
    })
  })

  it('rejects a removed member within one second, and rejects a user whose token has no role', async () => {
    const room = await app.createRoom(['alice', 'charlie'])
    await startTyping(room, 'alice')
    await app.removeMember(room, 'alice')

    expect(await nextRejection(() => startTyping(room, 'alice'))).toBe('forbidden')
    await expect(startTyping(room, 'charlie')).rejects.toMatchObject({ code: 'forbidden' })
  })

  it('rejects a call on the subject of another user as forbidden', async () => {
    const room = await app.createRoom(['bob', newUserId()])

    await expect(app.request(`as.bob.typing.${room}`, '{}', 'alice')).rejects.toMatchObject({
      code: 'forbidden',
    })
  })

  it.each(['', 'x', 'A'.repeat(32), 'a'.repeat(33)])(
    'rejects the thread id %j as invalid',
    async (threadId) => {
      const room = await app.createRoom(['alice'])

      await expect(startTyping(room, 'alice', threadId)).rejects.toMatchObject({ code: 'invalid' })
    },
  )

  it.each(badPayloads({ threadId: 'a'.repeat(32) }))(
    'rejects invalid input: %s',
    async (_name, payload) => {
      const room = await app.createRoom(['alice'])

      const { status } = await app.request(`as.alice.typing.${room}`, payload, 'alice')

      expect(status).toMatch(/^4(00|13)$/)
    },
  )
})
