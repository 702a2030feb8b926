import { describe, expect, it } from 'vitest'
import { roomPresence } from '#schema/messages/presence'
import { useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'
import { changesUntil, createCrowd, newUser } from '../support/presence-fixture.ts'

const app = useApp()
const crowd = createCrowd(app)

describe('presence.update', () => {
  it.each(['away', 'busy', 'online'] as const)('shows who is there as %s', async (status) => {
    const user = newUser()
    await crowd.beat(user)

    expect(await crowd.update(user, status)).toEqual({})

    expect(await crowd.statusOf(user)).toBe(status)
    expect(await crowd.beat(user)).toEqual({ status })
  })

  it('tells each room of a person, and tells nothing when asked twice', async () => {
    const [user, last] = [newUser(), newUser()]
    const room = await crowd.givenRoom([user, last])
    const other = await crowd.givenRoom([user])
    const [told, toOther] = [
      await app.listen(roomPresence, { room }, 'functions'),
      await app.listen(roomPresence, { room: other }, 'functions'),
    ]
    await crowd.beat(user)
    await told.next()
    await toOther.next()

    await crowd.update(user, 'away')
    const away = { action: 'status', userId: user, status: 'away' }
    expect(await told.next()).toEqual({ room, changes: [away] })
    expect(await toOther.next()).toEqual({ room: other, changes: [away] })
    await crowd.update(user, 'away')
    await crowd.beat(last)

    expect(await changesUntil(told, last)).toEqual([
      { action: 'online', userId: last, status: 'online' },
    ])
  })

  it('changes nothing but online where nobody has chosen it, and says so', async () => {
    const user = newUser()
    const room = await crowd.givenRoom([user])
    const told = await app.listen(roomPresence, { room }, 'functions')
    await crowd.beat(user)
    await told.next()
    const idle = async () =>
      (await crowd.as(user)).call('presence.update', { status: 'away', idle: true })

    await idle()
    const changes = [{ action: 'idle', userId: user, status: 'away' }]
    expect(await told.next()).toEqual({ room, changes })
    await crowd.update(user, 'busy')
    await idle()

    expect(await crowd.statusOf(user)).toBe('busy')
  })

  it('shows somebody as online again who comes back after going away', async () => {
    const user = newUser()
    await crowd.beat(user)
    await crowd.update(user, 'away')
    await crowd.disconnect(user)

    expect(await crowd.beat(user)).toEqual({ status: 'online' })
  })

  it('lets one of many who change at once be the last, and tells of all', async () => {
    const user = newUser()
    await crowd.beat(user)
    const changes = await crowd.hear(user)

    await Promise.all(
      Array.from({ length: 20 }, (_, at) => crowd.update(user, at % 2 ? 'away' : 'busy')),
    )
    await crowd.disconnect(user)

    const heard = await changes.until(({ action }) => action === 'offline')
    const [last, previous] = [heard.at(-1)?.at ?? '', heard.at(-2)]
    expect(last > (previous?.at ?? '')).toBe(true)
    expect(new Set(heard.map(({ at }) => at)).size).toBe(heard.length)
  })

  it('refuses who is offline, and keeps nothing', async () => {
    const user = newUser()

    await expect(crowd.update(user, 'away')).rejects.toMatchObject({ code: 'conflict' })

    expect(await crowd.statusOf(user)).toBeUndefined()
  })

  it('refuses to speak for somebody else', async () => {
    const payload = JSON.stringify({ status: 'busy' })

    await expect(app.ask('as.bob.presence.update', payload, 'alice')).rejects.toMatchObject({
      code: 'forbidden',
    })
  })

  it.each(['offline', '', 'ONLINE', 'invisible'])('refuses %j as a status', async (status) => {
    const answer = await app.ask('as.alice.presence.update', JSON.stringify({ status }), 'alice')

    expect(answer).toMatchObject({ status: '400', body: { code: 'invalid' } })
  })

  it.each(badPayloads({ status: 'away' }))('refuses %s', async (_name, payload) => {
    const { status } = await app.ask('as.alice.presence.update', payload, 'alice')

    expect(status).toMatch(/^4(00|13)$/)
  })
})
