import { describe, expect, it } from 'vitest'
import { roomPresence } from '#schema/messages/presence'
import { newUserId, useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'
import { changesUntil, createPresenceFixture } from '../support/presence-fixture.ts'

const app = useApp()
const presence = createPresenceFixture(app)

describe('presence.update', () => {
  it.each(['away', 'busy', 'online'] as const)('stores the status %s', async (status) => {
    const user = newUserId()
    await presence.heartbeat(user)

    expect(await presence.update(user, status)).toEqual({})

    expect(await presence.readStatus(user)).toBe(status)
    expect(await presence.heartbeat(user)).toMatchObject({ status })
  })

  it('publishes the status to each room of the user once, even if the call is repeated', async () => {
    const [user, last] = [newUserId(), newUserId()]
    const room = await app.createRoom([user, last])
    const other = await app.createRoom([user])
    const [broadcasts, toOther] = [
      await app.listen(roomPresence, { room }, 'functions'),
      await app.listen(roomPresence, { room: other }, 'functions'),
    ]
    await presence.heartbeat(user)
    await broadcasts.next()
    await toOther.next()

    await presence.update(user, 'away')
    const away = { action: 'status', userId: user, status: 'away' }
    expect(await broadcasts.next()).toEqual({ room, changes: [away] })
    expect(await toOther.next()).toEqual({ room: other, changes: [away] })
    await presence.update(user, 'away')
    await presence.heartbeat(last)

    expect(await changesUntil(broadcasts, last)).toEqual([
      { action: 'online', userId: last, status: 'online' },
    ])
  })

  it('changes online to away when the client reports that the user is idle, but keeps the status busy that the user chose', async () => {
    const user = newUserId()
    const room = await app.createRoom([user])
    const broadcasts = await app.listen(roomPresence, { room }, 'functions')
    await presence.heartbeat(user)
    await broadcasts.next()
    const setIdle = async () =>
      (await app.clientFor(user)).call('presence.update', { status: 'away', idle: true })

    await setIdle()
    const changes = [{ action: 'idle', userId: user, status: 'away' }]
    expect(await broadcasts.next()).toEqual({ room, changes })
    await presence.update(user, 'busy')
    await setIdle()

    expect(await presence.readStatus(user)).toBe('busy')
  })

  it('stores the status away only until the user disconnects: the next heartbeat sets them online', async () => {
    const user = newUserId()
    await presence.heartbeat(user)
    await presence.update(user, 'away')
    await presence.disconnect(user)

    expect(await presence.heartbeat(user)).toMatchObject({ status: 'online' })
  })

  it('publishes concurrent updates in order, each with a later time than the one before', async () => {
    const user = newUserId()
    await presence.heartbeat(user)
    const changes = await presence.listenToUser(user)

    await Promise.all(
      Array.from({ length: 20 }, (_, index) => presence.update(user, index % 2 ? 'away' : 'busy')),
    )
    await presence.disconnect(user)

    const received = await changes.until(({ action }) => action === 'offline')
    const [last, previous] = [received.at(-1)?.at ?? '', received.at(-2)]
    expect(last > (previous?.at ?? '')).toBe(true)
    expect(new Set(received.map(({ at }) => at)).size).toBe(received.length)
  })

  it('rejects an update by an offline user as a conflict, and stores nothing', async () => {
    const user = newUserId()

    await expect(presence.update(user, 'away')).rejects.toMatchObject({ code: 'conflict' })

    expect(await presence.readStatus(user)).toBeUndefined()
  })

  it('rejects a call on the subject of another user as forbidden', async () => {
    const payload = JSON.stringify({ status: 'busy' })

    await expect(app.request('as.bob.presence.update', payload, 'alice')).rejects.toMatchObject({
      code: 'forbidden',
    })
  })

  it.each(['offline', '', 'ONLINE', 'invisible'])(
    'rejects the status %j as invalid',
    async (status) => {
      const answer = await app.request(
        'as.alice.presence.update',
        JSON.stringify({ status }),
        'alice',
      )

      expect(answer).toMatchObject({ status: '400', body: { code: 'invalid' } })
    },
  )

  it.each(badPayloads({ status: 'away' }))('rejects invalid input: %s', async (_name, payload) => {
    const { status } = await app.request('as.alice.presence.update', payload, 'alice')

    expect(status).toMatch(/^4(00|13)$/)
  })
})
