import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { closeDb } from '#schema/db'
import type { UserId } from '#schema/ids'
import { DEACTIVATED_USERS } from '#schema/streams'
import { type App, createApp, newUserId } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'
import { connectAuth, connectMany, listConnections } from '../support/connections.ts'
import { type Servers, startServers } from '../support/servers.ts'

let servers: Servers
let app: App

// Other test files log in as the same users. So these tests start servers of their own, and
// deactivate users only there.
beforeAll(async () => {
  servers = await startServers('pglite')
  process.env.DATABASE_URL = servers.urls.databaseUrl
  app = createApp(servers.urls)
  await app.createUsers('alice', 'bob', 'charlie')
})
afterAll(async () => {
  await app?.[Symbol.asyncDispose]()
  await closeDb()
  await servers?.[Symbol.asyncDispose]()
})

const bob = 'bob' as UserId
const deactivate = (userId: UserId = bob) => app.call('admin.deactivate', { userId }, 'alice')
const reactivate = (userId: UserId = bob) => app.call('admin.reactivate', { userId }, 'alice')
const logIn = () => connectMany(servers, 1, 'bob')

describe('a function for administrators', () => {
  it.each([
    ['admin.deactivate', { userId: bob }],
    ['admin.reactivate', { userId: bob }],
    ['admin.role', { room: 'general', userId: bob, role: 'owner' }],
    ['apps.remove', { app: 'poll' }],
    ['console.replay', { seq: 1 }],
    ['console.discard', { seq: 1 }],
  ] as const)(
    'rejects an operator who calls %s under the id of an unknown user',
    async (name, input) => {
      const unknown = newUserId()
      const operator = await app.clientFor(unknown)

      await expect(operator.call(name, input as never)).rejects.toMatchObject({
        code: 'forbidden',
        message: `Administrator ${unknown} has never logged in: call as a user who exists`,
      })
    },
  )
})

describe('admin.deactivate', () => {
  it('closes the connections of the user, and rejects later logins', async () => {
    const connections = await connectMany(servers, 3, 'bob')

    expect(await deactivate()).toEqual({})
    expect(await deactivate()).toEqual({})

    await Promise.all(connections.map((nc) => nc.closed()))
    await expect(logIn()).rejects.toThrow('Authorization Violation')
    await using auth = await connectAuth(servers)
    expect(await listConnections(auth, 'bob')).toEqual([])
    await reactivate()
    await expect(logIn()).resolves.toHaveLength(1)
  })

  it('closes connections that are opened during the deactivation', async () => {
    const logins = Promise.allSettled(Array.from({ length: 10 }, logIn))
    await deactivate()
    await logins

    await using auth = await connectAuth(servers)
    await expect.poll(async () => (await listConnections(auth, 'bob')).length).toBe(0)
    await reactivate()
  })

  it('hides the user from users.search, rejects room.invite and room.direct for them, and marks them as deactivated in users.names and room.info', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private', { alice: 'owner' })
    const other = await app.createRoom(['alice'], 'private')
    const search = async () => (await app.call('users.search', { text: 'bob' }, 'alice')).users
    expect((await search()).map(({ userId }) => userId)).toContain('bob')

    await deactivate()

    expect((await search()).map(({ userId }) => userId)).not.toContain('bob')
    for (const call of [
      () => app.call('room.invite', { room: other, userId: 'bob' }, 'alice'),
      () => app.call('room.direct', { with: 'bob' }, 'alice'),
    ])
      await expect(call()).rejects.toMatchObject({
        code: 'forbidden',
        message: 'User bob is deactivated',
      })
    const { users } = await app.call('users.names', { userIds: [bob, 'alice'] }, 'alice')
    expect(users.find(({ userId }) => userId === 'bob')).toMatchObject({ deactivated: true })
    expect(users.find(({ userId }) => userId === 'alice')).not.toHaveProperty('deactivated')
    const { members } = await app.call('room.info', { room }, 'alice')
    expect(members.map(({ userId, deactivated }) => [userId, deactivated]).sort()).toEqual([
      ['alice', undefined],
      ['bob', true],
    ])
    await reactivate()
    expect((await search()).map(({ userId }) => userId)).toContain('bob')
  })

  it('rejects an administrator who deactivates themselves or an unknown user, and a caller who is no administrator', async () => {
    const unknown = newUserId()

    for (const userId of ['alice' as UserId, unknown])
      await expect(deactivate(userId)).rejects.toMatchObject({ code: 'forbidden' })
    for (const name of ['admin.deactivate', 'admin.reactivate'] as const)
      await expect(app.call(name, { userId: 'alice' }, 'charlie')).rejects.toMatchObject({
        code: 'forbidden',
      })
    const bucket = await app.openBucket(DEACTIVATED_USERS)
    for (const userId of ['alice', unknown])
      expect((await bucket.get(userId))?.operation ?? 'DEL').toBe('DEL')
  })

  it.each(badPayloads({ userId: 'bob' }))('rejects invalid input: %s', async (_name, payload) => {
    const { status } = await app.request('as.alice.admin.deactivate', payload, 'alice')

    expect(status).toMatch(/^4(00|13)$/)
  })

  // Runs last, because it stops the database.
  it('rejects logins of a deactivated user even while the database is unavailable', async () => {
    await deactivate()
    await closeDb()
    await servers.database.stop()

    await expect(logIn()).rejects.toThrow('Authorization Violation')
    await expect(connectMany(servers, 1, 'charlie')).resolves.toHaveLength(1)
  })
})
