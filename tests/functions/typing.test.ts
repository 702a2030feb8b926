import { describe, expect, it } from 'vitest'
import { deliverTyping, roomTyping } from '#schema/messages/presence'
import { expectSameRejection, newUserId, nextRejection, useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'

const app = useApp()

const type = (room: string, as: 'alice' | 'bob' | 'charlie', threadId?: string) =>
  app.call('typing', threadId === undefined ? { room } : { room, threadId }, as)

describe('typing', () => {
  it('publishes the user and the thread to a public room', async () => {
    const room = await app.createRoom(['alice', 'bob'])
    const told = await app.listen(roomTyping, { room }, 'charlie')
    const threadId = crypto.randomUUID().replaceAll('-', '')

    expect(await type(room, 'alice')).toEqual({})
    expect(await type(room, 'bob', threadId)).toEqual({})

    expect(await told.next()).toEqual({ room, userId: 'alice' })
    expect(await told.next()).toEqual({ room, userId: 'bob', threadId })
  })

  it('publishes at most once in three seconds', async () => {
    const [room, other] = [await app.createRoom(['alice', 'bob']), await app.createRoom(['alice'])]
    const told = await app.listen(roomTyping, { room }, 'bob')
    const elsewhere = await app.listen(roomTyping, { room: other }, 'bob')
    const started = Date.now()

    await Promise.all(Array.from({ length: 10 }, () => type(room, 'alice')))
    await type(other, 'alice')
    await type(room, 'bob')

    expect(await told.next()).toEqual({ room, userId: 'alice' })
    expect(await told.next()).toEqual({ room, userId: 'bob' })
    expect(await elsewhere.next()).toEqual({ room: other, userId: 'alice' })

    const again = told.next()
    const asking = setInterval(() => void type(room, 'alice'), 250)
    expect(await again.finally(() => clearInterval(asking))).toEqual({ room, userId: 'alice' })
    expect(Date.now() - started).toBeGreaterThanOrEqual(2_900)
  })

  it('publishes once for each thread without delay', async () => {
    const room = await app.createRoom(['alice', 'bob'])
    const told = await app.listen(roomTyping, { room }, 'bob')
    const [one, other] = Array.from({ length: 2 }, () => crypto.randomUUID().replaceAll('-', ''))

    for (const threadId of [undefined, one, other, one, undefined, other])
      await type(room, 'alice', threadId)
    await type(room, 'bob')

    const heard = await told.until(({ userId }) => userId === 'bob')
    expect(heard.map(({ userId, threadId }) => [userId, threadId])).toEqual([
      ['alice', undefined],
      ['alice', one],
      ['alice', other],
      ['bob', undefined],
    ])
  })

  it('publishes to the other members of a private room only', async () => {
    const secret = await app.createRoom(['alice', 'bob'], 'private')
    const shared = await app.createRoom(['alice', 'charlie'], 'private')
    const toBob = await app.listen(deliverTyping, { user: 'bob' }, 'bob')
    const toAlice = await app.listen(deliverTyping, { user: 'alice' }, 'alice')
    const toCharlie = await app.listen(deliverTyping, { user: 'charlie' }, 'charlie')
    const toAll = await app.listen(roomTyping, {}, 'charlie')

    await type(secret, 'alice')
    await type(shared, 'alice')
    await type(secret, 'bob')
    const open = await app.createRoom(['bob'])
    await type(open, 'bob')

    expect(await toBob.next()).toEqual({ room: secret, user: 'bob', userId: 'alice' })
    // Alice receives no event about herself.
    expect(await toAlice.next()).toEqual({ room: secret, user: 'alice', userId: 'bob' })
    expect(await toCharlie.next()).toMatchObject({ room: shared })
    const heard = await toAll.until(({ room }) => room === open)
    expect(heard.filter(({ room }) => room === secret)).toEqual([])
  })

  it('rejects a non-member with the same error as for an unknown room', async () => {
    const room = await app.createRoom(['alice'])
    const absent = `room-${crypto.randomUUID()}`

    await expectSameRejection((id) => type(id, 'bob'), { hidden: room, absent })
  })

  it('rejects a guest with forbidden', async () => {
    const room = await app.createRoom([], 'private')
    await app.addMember(room, 'alice', 'private', 'guest')

    await expect(type(room, 'alice')).rejects.toMatchObject({
      code: 'forbidden',
      message: expect.stringContaining('guest'),
    })
  })

  it('rejects a removed member within one second, and a user without a role', async () => {
    const room = await app.createRoom(['alice', 'charlie'])
    await type(room, 'alice')
    await app.removeMember(room, 'alice')

    expect(await nextRejection(() => type(room, 'alice'))).toBe('forbidden')
    await expect(type(room, 'charlie')).rejects.toMatchObject({ code: 'forbidden' })
  })

  it('rejects a call for another user with forbidden', async () => {
    const room = await app.createRoom(['bob', newUserId()])

    await expect(app.request(`as.bob.typing.${room}`, '{}', 'alice')).rejects.toMatchObject({
      code: 'forbidden',
    })
  })

  it.each(['', 'x', 'A'.repeat(32), 'a'.repeat(33)])(
    'rejects %j as a thread id with invalid',
    async (threadId) => {
      const room = await app.createRoom(['alice'])

      await expect(type(room, 'alice', threadId)).rejects.toMatchObject({ code: 'invalid' })
    },
  )

  it.each(badPayloads({ threadId: 'a'.repeat(32) }))(
    'rejects a bad payload: %s',
    async (_name, payload) => {
      const room = await app.createRoom(['alice'])

      const { status } = await app.request(`as.alice.typing.${room}`, payload, 'alice')

      expect(status).toMatch(/^4(00|13)$/)
    },
  )
})
