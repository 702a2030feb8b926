import { describe, expect, it } from 'vitest'
import { toNotifyId } from '#schema/ids'
import { expectSameRejection, newRoomId, newUserId, useApp } from '../support/app.ts'
import { createThreads } from '../support/thread-fixture.ts'

const app = useApp()
const { createThread, reply, read, countsOf } = createThreads(app)

describe('mention.find', () => {
  it('returns the oldest unread mention of the room and its threads', async () => {
    const { room, threadId } = await createThread('alice')
    const inThread = await reply(room, threadId, '@bob', 'alice')
    const inRoom = await app.send(room, '@bob', 'alice')
    await app.waitForRows(room, 3)

    const first = await app.call('mention.find', { room }, 'bob')
    await read(room, threadId, inThread.seq, 'bob')
    const second = await app.call('mention.find', { room }, 'bob')

    expect(first.mention).toEqual({ id: inThread.id, seq: inThread.seq, threadId })
    expect(second.mention).toEqual({ id: inRoom.id, seq: inRoom.seq })
  })

  it('finds a mention that an edit has added, and none that an edit or a deletion has removed', async () => {
    const room = await app.createRoom(['alice', 'bob'])
    const sent = await app.send(room, 'nothing', 'alice')
    const notifyId = toNotifyId(sent)
    const find = async () => (await app.call('mention.find', { room }, 'bob')).mention?.id

    await app.call('msg.edit', { notifyId, text: 'hi @bob' }, 'alice')
    await expect.poll(find).toBe(sent.id)
    expect(await countsOf(room, 'bob')).toEqual({ unread: 1, mentions: 1 })
    await app.call('msg.edit', { notifyId, text: 'hi `@bob`' }, 'alice')
    await expect.poll(find).toBeUndefined()
    expect(await countsOf(room, 'bob')).toEqual({ unread: 1, mentions: 0 })
    await app.call('msg.edit', { notifyId, text: '@bob' }, 'alice')
    await expect.poll(find).toBe(sent.id)
    await app.call('msg.delete', { notifyId }, 'alice')
    expect(await find()).toBeUndefined()
  })

  it('finds @here only for members who were online when it was sent, even after an edit', async () => {
    const offline = newUserId()
    const room = await app.createRoom(['alice', 'bob', offline], 'public', { alice: 'owner' })
    await app.call('presence.heartbeat', { connId: 'tab' }, 'bob')
    const sent = await app.send(room, '@here', 'alice')
    await app.waitForRows(room, 1)
    const hasMention = async (user: string) => {
      const client = await app.clientFor(user)
      return (await client.call('mention.find', { room })).mention?.id === sent.id
    }
    expect([await hasMention('bob'), await hasMention(offline)]).toEqual([true, false])

    await app.call('presence.disconnect', { connId: 'tab' }, 'bob')
    await app.call('msg.edit', { notifyId: toNotifyId(sent), text: '@here!' }, 'alice')
    const text = async () => (await app.waitForRows(room, 1))[0]?.text
    await expect.poll(text).toBe('@here!')

    expect([await hasMention('bob'), await hasMention(offline)]).toEqual([true, false])
  })

  it('rejects a non-member with the same error as for an unknown room', async () => {
    const room = await app.createRoom(['alice'])

    await expectSameRejection((id) => app.call('mention.find', { room: id }, 'bob'), {
      hidden: room,
      absent: newRoomId(),
    })
  })
})
