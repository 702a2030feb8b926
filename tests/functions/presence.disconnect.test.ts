import { describe, expect, it } from 'vitest'
import { roomPresence } from '#schema/messages/presence'
import { useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'
import { changesUntil, createCrowd, newUser, startInstance } from '../support/presence-fixture.ts'

const app = useApp()
const crowd = createCrowd(app)

describe('presence.disconnect', () => {
  it('makes a person offline with their last tab, and tells their rooms once', async () => {
    const [user, last] = [newUser(), newUser()]
    const room = await crowd.givenRoom([user, last])
    await crowd.beat(user)
    const told = await app.listen(roomPresence, { room }, 'functions')

    expect(await crowd.disconnect(user)).toEqual({})
    const offline = { action: 'offline', userId: user, status: 'offline' }
    expect((await changesUntil(told, user)).at(-1)).toEqual(offline)
    await crowd.disconnect(user)
    await crowd.beat(last)

    expect(await changesUntil(told, last)).toHaveLength(1)
    expect(await crowd.statusOf(user)).toBe('offline')
    expect(await crowd.leasesOf(user)).toEqual([])
  })

  it('leaves a person as they are while another tab is open', async () => {
    const user = newUser()
    await crowd.beat(user, 'one')
    await crowd.beat(user, 'two')
    await crowd.update(user, 'away')
    const changes = await crowd.hear(user)

    await crowd.disconnect(user, 'one')
    expect(await crowd.statusOf(user)).toBe('away')
    await crowd.disconnect(user, 'two')

    expect(await changes.next()).toMatchObject({ action: 'offline' })
    expect(await crowd.statusOf(user)).toBe('offline')
  })

  it('does nothing for a tab that nobody knows', async () => {
    const [user, stranger] = [newUser(), newUser()]
    await crowd.beat(user)

    expect(await crowd.disconnect(user, 'unknown')).toEqual({})
    expect(await crowd.disconnect(stranger)).toEqual({})

    expect(await crowd.statusOf(user)).toBe('online')
    expect(await crowd.statusOf(stranger)).toBeUndefined()
  })

  it('ends as the last tab does, when tabs come and go at once in several processes', async () => {
    await startInstance()
    const users = Array.from({ length: 20 }, newUser)

    await Promise.all(
      users.map(async (user) => {
        await crowd.beat(user, 'old')
        await Promise.all([crowd.disconnect(user, 'old'), crowd.beat(user, 'new')])
      }),
    )

    for (const user of users) expect(await crowd.statusOf(user)).toBe('online')
  })

  it('tells once, when all tabs end at once in several processes', async () => {
    await startInstance()
    const user = newUser()
    const tabs = Array.from({ length: 30 }, (_, at) => `tab-${at}`)
    for (const tab of tabs) await crowd.beat(user, tab)
    const changes = await crowd.hear(user)

    await Promise.all(tabs.map((tab) => crowd.disconnect(user, tab)))
    await crowd.beat(user)

    const heard = await changes.until(({ action }) => action === 'online')
    expect(heard.map(({ action }) => action)).toEqual(['offline', 'online'])
  })

  it('refuses to end what is not the caller’s', async () => {
    const payload = JSON.stringify({ connId: 'tab' })

    await expect(app.ask('as.bob.presence.disconnect', payload, 'alice')).rejects.toMatchObject({
      code: 'forbidden',
    })
  })

  it.each(badPayloads({ connId: 'tab' }))('refuses %s', async (_name, payload) => {
    const { status } = await app.ask('as.alice.presence.disconnect', payload, 'alice')

    expect(status).toMatch(/^4(00|13)$/)
  })
})
