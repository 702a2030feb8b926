import { describe, expect, it } from 'vitest'
import { deliverNotify } from '#schema/messages/log'
import { badPayloads } from '../bad-input.ts'
import { type Person, useApp } from '../harness.ts'

const app = useApp()

const invite = (room: string, userId: string, as: Person, role?: 'guest') =>
  app.call('room.invite', { room, userId, ...(role ? { role } : {}) }, as)

describe('room.invite', () => {
  it('makes a member of somebody, who is told and can speak', async () => {
    const room = await app.givenRoom(['alice'], 'private')
    const toBob = await app.listen(deliverNotify, { user: 'bob', room }, 'bob')

    await invite(room, 'bob', 'alice')

    expect(await toBob.next()).toMatchObject({
      kind: 'member',
      event: { action: 'join', userId: 'bob', role: 'member', by: 'alice' },
    })
    await app.say(room, 'thanks', 'bob')
  })

  it('has them begin with what is said from then on', async () => {
    const room = await app.givenRoom(['alice'], 'private')
    for (const text of ['1', '2']) await app.say(room, text, 'alice')
    const rows = await app.rowsOf(room, 2)

    await invite(room, 'bob', 'alice')
    await app.say(room, 'welcome, @bob', 'alice')
    await app.rowsOf(room, 3)

    const { rooms } = await app.call('room.list', {}, 'bob')
    expect(rooms.find(({ id }) => id === room)).toMatchObject({
      readSeq: rows.at(-1)?.seq,
      unread: 1,
      mentions: 1,
    })
  })

  it('makes a guest, who reads and does not speak', async () => {
    const room = await app.givenRoom(['alice'], 'private')

    await invite(room, 'bob', 'alice', 'guest')

    await expect(app.call('chat.sync', { room, since: 0 }, 'bob')).resolves.toBeDefined()
    await expect(app.say(room, 'hm', 'bob')).rejects.toMatchObject({ code: 'forbidden' })
  })

  it('changes nothing for who is there already', async () => {
    const room = await app.givenRoom(['alice', 'bob'], 'private', { bob: 'moderator' })

    await invite(room, 'bob', 'alice')

    expect(await app.eventsOf(room)).toEqual([])
    await expect(app.call('room.kick', { room, userId: 'alice' }, 'bob')).resolves.toEqual({})
  })

  it('lets in again whoever was kicked, if a moderator says so', async () => {
    const room = await app.givenRoom(['alice', 'bob', 'charlie'], 'public', { alice: 'owner' })
    await app.call('room.kick', { room, userId: 'charlie' }, 'alice')

    await expect(invite(room, 'charlie', 'bob')).rejects.toMatchObject({ code: 'forbidden' })
    await invite(room, 'charlie', 'alice')

    await expect(app.call('room.join', { room }, 'charlie')).resolves.toBeDefined()
  })

  it('refuses guests, strangers and rooms of which there are none', async () => {
    const room = await app.givenRoom(['alice', 'bob'], 'private', { bob: 'guest' })
    const absent = `room-${crypto.randomUUID()}`

    await expect(invite(room, 'charlie', 'bob')).rejects.toMatchObject({ code: 'forbidden' })
    const other = await app.givenRoom(['alice'], 'private')
    const [there, notThere] = await Promise.all(
      [other, absent].map((id) => invite(id, 'bob', 'bob').catch((error) => error)),
    )
    expect(there).toMatchObject({ code: 'forbidden' })
    expect(notThere.message.replace(absent, other)).toBe(there.message)
  })

  it.each(['a.b', 'A', '', '*', '>', 'x'.repeat(65)])(
    'refuses "%s", which is no user',
    async (userId) => {
      const room = await app.givenRoom(['alice'])

      await expect(invite(room, userId, 'alice')).rejects.toMatchObject({ code: 'invalid' })
    },
  )

  it.each(badPayloads({ userId: 'bob' }))('refuses %s', async (_name, payload) => {
    const room = await app.givenRoom(['alice'])

    const { status } = await app.ask(`as.alice.room.invite.${room}`, payload, 'alice')

    expect(status).toMatch(/^4(00|13)$/)
  })
})
