import { describe, expect, it } from 'vitest'
import { deliverPresence, roomPresence } from '#schema/messages/presence'
import { newUserId, useApp } from '../support/app.ts'
import { changesUntil, createPresenceFixture, startInstance } from '../support/presence-fixture.ts'

const app = useApp()
const presence = createPresenceFixture(app)

describe('presence.follow', () => {
  it.each(['online', 'away'] as const)('tells the room that a new member is %s', async (status) => {
    await startInstance()
    const [user, last] = [newUserId(), newUserId()]
    await presence.goOnline(user, status)
    const room = await app.createRoom([last])
    const broadcasts = await app.listen(roomPresence, { room }, 'functions')

    await app.addMember(room, user, 'public')
    await presence.publishRoomChange(room, user, 'join')
    const online = { action: 'online', userId: user, status }
    expect(await changesUntil(broadcasts, user)).toEqual([online])
    await presence.heartbeat(last)

    expect(await changesUntil(broadcasts, last)).not.toContainEqual(online)
    expect(await presence.readStatus(user)).toBe(status)
  })

  it('publishes nothing about a new member who is offline', async () => {
    const [user, last] = [newUserId(), newUserId()]
    const room = await app.createRoom([user, last])
    const broadcasts = await app.listen(roomPresence, { room }, 'functions')

    await presence.publishRoomChange(room, user, 'join')
    await presence.publishRoomChange(room, last, 'leave')

    expect(await changesUntil(broadcasts, last)).toEqual([
      { action: 'offline', userId: last, status: 'offline' },
    ])
  })

  it('publishes to the remaining members of a private room, and to no other user, that a user who left is offline', async () => {
    const [user, remaining] = [newUserId(), newUserId()]
    await presence.goOnline(user)
    await presence.goOnline(remaining)
    const room = await app.createRoom([user, remaining], 'private')
    const broadcasts = await app.listen(deliverPresence, { room }, 'functions')

    await app.removeMember(room, user)
    await presence.publishRoomChange(room, user, 'leave')

    const changes = [{ action: 'offline', userId: user, status: 'offline' }]
    expect(await broadcasts.next()).toEqual({ room, user: remaining, changes })
    await presence.update(remaining, 'busy')
    expect(await broadcasts.next()).toMatchObject({
      user: remaining,
      changes: [{ userId: remaining }],
    })
    expect(await presence.readStatus(user)).toBe('online')
  })
})
