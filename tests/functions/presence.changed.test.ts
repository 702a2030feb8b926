import { describe, expect, it } from 'vitest'
import { useApp } from '../support/app.ts'
import { createCrowd, newUser, startInstance } from '../support/presence-fixture.ts'

const app = useApp()
const crowd = createCrowd(app)

describe('presence.changed', () => {
  it('lets every process know what another has written', async () => {
    await startInstance()
    const user = newUser()
    const changes = await crowd.hear(user)
    // Often enough for each of the two processes to remember the person.
    await Promise.all(Array.from({ length: 20 }, () => crowd.beat(user)))

    for (const status of ['away', 'busy', 'online'] as const) {
      await crowd.update(user, status)
      await changes.until((change) => change.status === status)
      const answers = await Promise.all(Array.from({ length: 20 }, () => crowd.beat(user)))
      expect(new Set(answers.map((it) => it.status))).toEqual(new Set([status]))
    }
  })

  it('has nobody taken for online who went offline in another process', async () => {
    await startInstance()
    const user = newUser()
    const changes = await crowd.hear(user)

    for (let round = 0; round < 5; round++) {
      await Promise.all(Array.from({ length: 10 }, () => crowd.beat(user)))
      await crowd.disconnect(user)
      await changes.until(({ action }) => action === 'offline')
    }
    await crowd.beat(user)

    expect(await crowd.statusOf(user)).toBe('online')
  })
})
