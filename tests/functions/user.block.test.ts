import { describe, expect, it } from 'vitest'
import { deliverInvitation } from '#schema/messages/member'
import { newUserId, nextRejection, useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'
import { strangersOf } from '../support/strangers.ts'

const app = useApp()
const { createUser, openDirect, send, block, readRoom } = strangersOf(app)

describe('user.block', () => {
  it('makes messages of both users in their direct room fail, with the same error for both', async () => {
    const [me, other] = [await createUser(), await createUser()]
    const room = await openDirect(me, other)
    await send(other, room)

    expect(await block(me, other)).toEqual({})
    expect(await block(me, other)).toEqual({})

    const messages: string[] = []
    for (const user of [me, other]) {
      expect(await nextRejection(() => send(user, room))).toBe('forbidden')
      messages.push(await send(user, room).catch((error) => error.message))
    }
    expect(messages[0]).toBe(messages[1])
    expect(messages[0]).not.toContain('block')
  })

  it('marks the direct room as blocked for the caller only', async () => {
    const [me, other] = [await createUser(), await createUser()]
    const room = await openDirect(me, other)

    await block(me, other)

    expect(await readRoom(me, room)).toMatchObject({ isBlocked: true })
    expect(await readRoom(other, room)).not.toHaveProperty('isBlocked')
  })

  it('makes messages of the blocked user fail even in a direct room that they open after the block', async () => {
    const [me, other] = [await createUser(), await createUser()]
    await block(me, other)

    const room = await openDirect(other, me)

    await expect(send(other, room)).rejects.toMatchObject({ code: 'forbidden' })
    expect(await readRoom(me, room)).toMatchObject({ isBlocked: true })
  })

  it('deletes the pending invitations that the caller has received from the blocked user', async () => {
    const other = await createUser()
    await app.createUsers('bob')
    const room = await app.createRoom([other], 'private')
    await (await app.clientFor(other)).call('room.invite', { room, userId: 'bob' })
    const toBob = await app.listen(deliverInvitation, { user: 'bob', room }, 'bob')

    await app.call('user.block', { userId: other }, 'bob')

    expect(await toBob.next()).toEqual({ user: 'bob', room })
    const { invitations } = await app.call('room.invitations', {}, 'bob')
    expect(invitations.map((invitation) => invitation.room.id)).not.toContain(room)
  })

  it('does not affect other rooms of the two users', async () => {
    const [me, other] = [await createUser(), await createUser()]
    const room = await app.createRoom([me, other], 'private')

    await block(me, other)

    await expect(send(other, room)).resolves.toBeDefined()
  })

  it('rejects as forbidden callers who block themselves or a user who has never logged in', async () => {
    const me = await createUser()

    for (const userId of [me, newUserId()])
      await expect(block(me, userId)).rejects.toMatchObject({ code: 'forbidden' })
  })

  it.each(badPayloads({ userId: 'bob' }))('rejects invalid input: %s', async (_name, payload) => {
    const { status } = await app.request('as.alice.user.block', payload, 'alice')

    expect(status).toMatch(/^4(00|13)$/)
  })
})
