import { describe, expect, it } from 'vitest'
import { newUserId, useApp } from '../support/app.ts'
import { createPresenceFixture, startInstance } from '../support/presence-fixture.ts'

const app = useApp()
const presence = createPresenceFixture(app)

describe('presence.changed', () => {
  it('updates the cached status of a user in every process', async () => {
    await startInstance()
    const user = newUserId()
    const changes = await presence.listenToUser(user)
    // Twenty calls are enough to reach both processes, so that both cache the status.
    await Promise.all(Array.from({ length: 20 }, () => presence.heartbeat(user)))

    for (const status of ['away', 'busy', 'online'] as const) {
      await presence.update(user, status)
      await changes.until((change) => change.status === status)
      const answers = await Promise.all(Array.from({ length: 20 }, () => presence.heartbeat(user)))
      expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([status]))
    }
  })

  it('updates the cached status of a user who disconnected in another process', async () => {
    await startInstance()
    const user = newUserId()
    const changes = await presence.listenToUser(user)

    for (let round = 0; round < 5; round++) {
      await Promise.all(Array.from({ length: 10 }, () => presence.heartbeat(user)))
      await presence.disconnect(user)
      await changes.until(({ action }) => action === 'offline')
    }
    await presence.heartbeat(user)

    expect(await presence.readStatus(user)).toBe('online')
  })
})
