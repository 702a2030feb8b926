import { describe, expect, it } from 'vitest'
import type { RoomId, UserId } from '#schema/ids'
import { nextRejection, useApp } from '../support/app.ts'
import { strangersOf } from '../support/strangers.ts'

const app = useApp()
const { createUser, openDirect, send, block, readRoom } = strangersOf(app)

async function unblock(user: UserId, userId: UserId) {
  return (await app.clientFor(user)).call('user.unblock', { userId })
}

/** Repeats the call until it succeeds: a process may have cached the old role for half a second. */
async function sendUntilAnswered(user: UserId, room: RoomId) {
  await expect.poll(() => send(user, room).then(Boolean, () => false)).toBe(true)
}

describe('user.unblock', () => {
  it('lets both users send in their direct room again', async () => {
    const [me, other] = [await createUser(), await createUser()]
    const room = await openDirect(me, other)
    await block(me, other)

    expect(await unblock(me, other)).toEqual({})
    expect(await unblock(me, other)).toEqual({})

    for (const user of [me, other]) await sendUntilAnswered(user, room)
    expect(await readRoom(me, room)).not.toHaveProperty('isBlocked')
  })

  it('keeps both users from sending while the other user still blocks the caller', async () => {
    const [me, other] = [await createUser(), await createUser()]
    const room = await openDirect(me, other)
    await block(me, other)
    await block(other, me)

    await unblock(me, other)

    for (const user of [me, other])
      expect(await nextRejection(() => send(user, room))).toBe('forbidden')
  })
})
