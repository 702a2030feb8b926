import { describe, expect, it } from 'vitest'
import type { RoomId, UserId } from '#schema/ids'
import { nextRejection, useApp } from '../support/app.ts'
import { strangersOf } from '../support/strangers.ts'

const app = useApp()
const { createUser, openDirect, send, block, readRoom } = strangersOf(app)

async function unblock(user: UserId, userId: UserId) {
  return (await app.clientFor(user)).call('user.unblock', { userId })
}

/** Repeats the call until it succeeds, because a process caches a role for half a second. */
async function sendUntilAnswered(user: UserId, room: RoomId) {
  await expect.poll(() => send(user, room).then(Boolean, () => false)).toBe(true)
}

describe('user.unblock', () => {
  it('lets both users send again', async () => {
    const [me, other] = [await createUser(), await createUser()]
    const room = await openDirect(me, other)
    await block(me, other)

    expect(await unblock(me, other)).toEqual({})
    expect(await unblock(me, other)).toEqual({})

    for (const user of [me, other]) await sendUntilAnswered(user, room)
    expect(await readRoom(me, room)).not.toHaveProperty('isBlocked')
  })

  it('does not lift the block of the caller by the other user', async () => {
    const [me, other] = [await createUser(), await createUser()]
    const room = await openDirect(me, other)
    await block(me, other)
    await block(other, me)

    await unblock(me, other)

    for (const user of [me, other])
      expect(await nextRejection(() => send(user, room))).toBe('forbidden')
  })
})
