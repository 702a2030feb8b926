import { describe, expect, it } from 'vitest'
import { deliverAppUpdated } from '#schema/messages/app'
import { newUserIds, useApp } from '../support/app.ts'

const app = useApp()

async function publishUpdate(room: string, update: object) {
  const { nc } = await app.connectAs('functions')
  nc.publish(`app.poll.${room}.updated`, JSON.stringify(update))
}

describe('app.updated', () => {
  it.each(['public', 'private'] as const)(
    "publishes an app's update only to the members of a %s room",
    async (kind) => {
      const room = await app.createRoom(['alice', 'bob'], kind)
      const toBob = await app.listen(deliverAppUpdated, { user: 'bob', room }, 'bob')
      const toAll = await app.listen(deliverAppUpdated, { room }, 'functions')

      await publishUpdate(room, { version: 7, data: { poll: 'x' } })

      const update = { app: 'poll', room, version: 7, data: { poll: 'x' } }
      expect(await toBob.next()).toEqual({ ...update, user: 'bob' })
      const users = [await toAll.next(), await toAll.next()].map(({ user }) => user)
      expect(users.sort()).toEqual(['alice', 'bob'])
      expect(toAll.unread()).toEqual([])
    },
  )

  it('publishes an update exactly once to each of 200 members', async () => {
    const users = newUserIds(200)
    const room = await app.createRoom(users, 'private')
    const toAll = await app.listen(deliverAppUpdated, { room }, 'functions')

    await publishUpdate(room, { version: 1 })

    const received = new Set<string>()
    while (received.size < users.length) received.add((await toAll.next()).user)
    expect([...received].sort()).toEqual([...users].sort())
    expect(toAll.unread()).toEqual([])
  })
})
