import { describe, expect, it } from 'vitest'
import { deliverPresence, roomPresence } from '#schema/messages/presence'
import { useApp } from '../support/app.ts'
import { changesUntil, createCrowd, newUser, startInstance } from '../support/presence-fixture.ts'

const app = useApp()
const crowd = createCrowd(app)

describe('presence.follow', () => {
  it.each(['online', 'away'] as const)('shows a room that a newcomer is %s', async (status) => {
    await startInstance()
    const [user, last] = [newUser(), newUser()]
    await crowd.arrive(user, status)
    const room = await crowd.givenRoom([last])
    const told = await app.listen(roomPresence, { room }, 'functions')

    await crowd.put(room, user, 'public')
    await crowd.tellMove(room, user, 'join')
    const online = { action: 'online', userId: user, status }
    expect(await changesUntil(told, user)).toEqual([online])
    await crowd.beat(last)

    expect(await changesUntil(told, last)).not.toContainEqual(online)
    expect(await crowd.statusOf(user)).toBe(status)
  })

  it('says nothing of a newcomer who is offline', async () => {
    const [user, last] = [newUser(), newUser()]
    const room = await crowd.givenRoom([user, last])
    const told = await app.listen(roomPresence, { room }, 'functions')

    await crowd.tellMove(room, user, 'join')
    await crowd.tellMove(room, last, 'leave')

    expect(await changesUntil(told, last)).toEqual([
      { action: 'offline', userId: last, status: 'offline' },
    ])
  })

  it('shows those who stay in a private room that somebody has left, and not who left', async () => {
    const [user, stays] = [newUser(), newUser()]
    await crowd.arrive(user)
    await crowd.arrive(stays)
    const room = await crowd.givenRoom([user, stays], 'private')
    const told = await app.listen(deliverPresence, { room }, 'functions')

    await crowd.take(room, user)
    await crowd.tellMove(room, user, 'leave')

    const changes = [{ action: 'offline', userId: user, status: 'offline' }]
    expect(await told.next()).toEqual({ room, user: stays, changes })
    await crowd.update(stays, 'busy')
    expect(await told.next()).toMatchObject({ user: stays, changes: [{ userId: stays }] })
    expect(await crowd.statusOf(user)).toBe('online')
  })
})
