import * as v from 'valibot'
import { beforeAll, describe, expect, it } from 'vitest'
import { AudienceEnv } from '#domain/rooms/audience'
import { deliverNotify } from '#schema/messages/event'
import { useApp } from '../support/app.ts'

const app = useApp()

beforeAll(() => app.createUsers('bob'))

describe('room.changed', () => {
  it('makes the function fanout publish the next message to a new member, although the runtime had cached the members', async () => {
    const room = await app.createRoom(['alice'], 'private', { alice: 'owner' })
    await app.send(room, 'who is here?', 'alice')
    const toBob = await app.listen(deliverNotify, { user: 'bob', room }, 'bob')

    await app.call('room.invite', { room, userId: 'bob' }, 'alice')
    await app.call('room.join', { room }, 'bob')
    const { seq } = await app.send(room, 'welcome', 'alice')

    const notices = await toBob.until((notice) => notice.seq === seq)
    expect(notices.at(-1)?.event).toMatchObject({ kind: 'message', text: 'welcome' })
  })

  it('stops the function fanout from publishing to a member who left, although the runtime had cached the members', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private')
    const [toBob, toAlice] = [
      await app.listen(deliverNotify, { user: 'bob', room }, 'bob'),
      await app.listen(deliverNotify, { user: 'alice', room }, 'alice'),
    ]
    const { seq: first } = await app.send(room, 'who is here?', 'alice')
    await toBob.until((notice) => notice.seq === first)

    await app.call('room.leave', { room }, 'bob')
    const { seq } = await app.send(room, 'between us', 'alice')

    await toAlice.until((notice) => notice.seq === seq)
    const { nc } = await app.connectAs('bob')
    await nc.flush()
    expect(toBob.unread().map(({ kind }) => kind)).toEqual(['member'])
  })

  it.each([
    [
      'the member is kicked',
      (room: string) => app.call('room.kick', { room, userId: 'bob' }, 'alice'),
    ],
    [
      'the room is archived',
      (room: string) => app.call('room.archive', { room, archived: true }, 'alice'),
    ],
  ])('makes processes evict the cached membership of a member once %s', async (_, act) => {
    const room = await app.createRoom(['alice', 'bob'], 'private', { alice: 'owner' })
    const sync = () => app.call('chat.sync', { room, since: 0 }, 'bob')
    await sync()

    await act(room)

    await expect(sync()).rejects.toMatchObject({ code: 'forbidden' })
  })

  it('makes calls by a non-member fail only with the code forbidden, even while many room.changed events arrive', async () => {
    const room = await app.createRoom(['alice'], 'private')
    const leaveEvent = JSON.stringify({ action: 'leave', userId: 'bob' })
    const { nc } = await app.connectAs('functions')
    const codes = new Set<string>()
    for (let round = 0; round < 30; round++) {
      const calls = Array.from({ length: 10 }, () =>
        app.call('chat.sync', { room, since: 0 }, 'bob').catch(({ code }) => codes.add(code)),
      )
      for (let count = 0; count < 20; count++) nc.publish(`room.changed.${room}`, leaveEvent)
      await Promise.all(calls)
    }

    expect([...codes]).toEqual(['forbidden'])
  })
})

describe('ROOM_CACHE_SIZE', () => {
  it.each(['0', '-1', '1.5', 'many', '1000001'])('rejects the value "%s"', (size) => {
    const { issues } = v.safeParse(AudienceEnv, { ROOM_CACHE_SIZE: size })

    expect(issues?.[0].message).toBe('ROOM_CACHE_SIZE must be a whole number from 1 to 1000000')
  })

  it.each([
    [undefined, 1_000],
    ['1', 1],
    ['1000000', 1_000_000],
  ])('with the value %s sets the cache size to %i', (value, size) => {
    expect(v.parse(AudienceEnv, { ROOM_CACHE_SIZE: value })).toEqual({ ROOM_CACHE_SIZE: size })
  })
})
