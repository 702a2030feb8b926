import { describe, expect, it, vi } from 'vitest'
import { db } from '#schema/db'
import type { UserId } from '#schema/ids'
import { deliverPresence, type PresenceChange, roomPresence } from '#schema/messages/presence'
import { members } from '#schema/tables/room'
import { newUserId, useApp } from '../support/app.ts'
import { changesUntil, createPresenceFixture } from '../support/presence-fixture.ts'

const app = useApp()
const presence = createPresenceFixture(app)

async function publishChanges(changes: readonly (PresenceChange & { at: string })[]) {
  const { nc } = await app.connectAs('functions')
  for (const { userId, ...rest } of changes)
    nc.publish(`presence.changed.${userId}`, JSON.stringify(rest))
  await nc.flush()
}

const change = (userId: UserId, status: PresenceChange['status'], at: number) => ({
  userId,
  status,
  action: status === 'offline' ? ('offline' as const) : ('online' as const),
  at: new Date(at).toISOString(),
})

/** Publishes changes of a new user, then one of another user. Returns all changes that are broadcast. */
async function broadcastOf(
  changesOf: (user: UserId, now: number) => (PresenceChange & { at: string })[],
) {
  const [user, last] = [newUserId(), newUserId()]
  const room = await app.createRoom([user, last])
  const broadcasts = await app.listen(roomPresence, { room }, 'functions')
  const now = Date.now()
  await publishChanges([...changesOf(user, now), change(last, 'online', now)])
  return { user, last, changes: await changesUntil(broadcasts, last) }
}

/**
 * Runs a test that needs all its changes in one batch. Repeats it if it fails, because a runtime that
 * the operating system suspends for longer than the collection period reads the changes in two
 * batches.
 */
function inOneBatch(test: () => Promise<void>) {
  return () => vi.waitFor(test, { timeout: 30_000, interval: 10 })
}

describe('presence.tell', () => {
  it(
    'publishes only the newest of several quick status changes of a user',
    inOneBatch(async () => {
      const { user, last, changes } = await broadcastOf((user, now) => [
        change(user, 'online', now),
        { ...change(user, 'away', now + 1), action: 'status' },
      ])

      expect(changes.toSorted((a, b) => a.status.localeCompare(b.status))).toEqual([
        { action: 'online', userId: user, status: 'away' },
        { action: 'online', userId: last, status: 'online' },
      ])
    }),
  )

  it(
    'publishes only the status online when a user disconnects and reconnects quickly, as in a page reload',
    inOneBatch(async () => {
      const { changes } = await broadcastOf((user, now) => [
        change(user, 'offline', now),
        change(user, 'online', now + 1),
      ])

      expect(changes.map(({ action }) => action)).toEqual(['online', 'online'])
    }),
  )

  it(
    'drops a change that arrives after a newer one of the same user',
    inOneBatch(async () => {
      const { user, changes } = await broadcastOf((user, now) => [
        change(user, 'offline', now + 1),
        change(user, 'online', now),
      ])

      expect(changes.filter(({ userId }) => userId === user)).toEqual([])
    }),
  )

  it('splits the status changes in a large room into broadcasts of at most 1,000 changes', async () => {
    const users = Array.from({ length: 2_100 }, newUserId)
    const room = await app.createRoom([])
    await db.insert(members).values(users.map((userId) => ({ room, userId })))
    const broadcasts = await app.listen(roomPresence, { room }, 'functions')

    await publishChanges(users.map((user) => change(user, 'online', Date.now())))

    const online = new Set<string>()
    while (online.size < users.length) {
      const { changes } = await broadcasts.next()
      expect(changes.length).toBeLessThanOrEqual(1_000)
      for (const { userId } of changes) online.add(userId)
    }
    expect(online).toEqual(new Set(users))
  })

  it('publishes no status changes to an archived room', async () => {
    const user = newUserId()
    const archived = await app.createRoom([user])
    const other = await app.createRoom([user])
    await presence.unindexRoom(archived)
    const multicast = await app.listen(roomPresence, {}, 'functions')
    const toMembers = await app.listen(deliverPresence, { user }, 'functions')
    const secret = await app.createRoom([user], 'private')

    await presence.heartbeat(user)

    const received = [...(await multicast.until(({ room }) => room === other))]
    expect(received.map(({ room }) => room)).not.toContain(archived)
    expect(await toMembers.next()).toMatchObject({ room: secret })
  })
})
