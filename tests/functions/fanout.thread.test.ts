import { describe, expect, it } from 'vitest'
import type { MessageId, RoomId } from '#schema/ids'
import { deliverNotify, roomNotify } from '#schema/messages/event'
import { newClientId, type TestPerson, useApp } from '../support/app.ts'
import { expectChain } from '../support/notices.ts'

const app = useApp()

function reply(room: RoomId, threadId: MessageId, text: string, as: TestPerson) {
  return app.call('send.thread', { room, threadId, clientId: newClientId(), text }, as)
}

describe('fanout.thread', () => {
  it('publishes a reply in a public room with its thread id and its text', async () => {
    const room = await app.createRoom(['alice', 'bob'])
    const { id: threadId } = await app.send(room, 'first', 'alice')
    const mailbox = await app.listen(roomNotify, { room }, 'charlie')

    const { id, seq } = await reply(room, threadId, 'under it, @alice', 'bob')

    const [notice] = (await mailbox.until((notice) => notice.seq === seq)).slice(-1)
    expect(notice).toEqual({
      room,
      kind: 'message',
      seq,
      prev: 0,
      notifyId: `${seq.toString(36)}-${id}`,
      threadId,
      threadBy: 'alice',
      event: expect.objectContaining({
        id,
        threadId,
        sender: 'bob',
        text: 'under it, @alice',
        mentions: ['alice'],
      }),
    })
  })

  it('publishes a reply in a private room to its members only', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private')
    const other = await app.createRoom(['alice', 'charlie'], 'private')
    const { id: threadId } = await app.send(room, 'first', 'alice')
    const toBob = await app.listen(deliverNotify, { user: 'bob', room }, 'bob')
    const toCharlie = await app.listen(deliverNotify, { user: 'charlie' }, 'charlie')
    const multicast = await app.listen(roomNotify, {}, 'charlie')

    const { seq } = await reply(room, threadId, 'between us', 'alice')
    await app.send(other, 'for charlie', 'alice')
    const open = await app.createRoom(['alice'])
    await app.send(open, 'for all', 'alice')

    const [notice] = (await toBob.until((notice) => notice.seq === seq)).slice(-1)
    expect(notice).toMatchObject({ user: 'bob', threadId, event: { text: 'between us' } })
    expect(await toCharlie.next()).toMatchObject({ room: other })
    const all = await multicast.until((notice) => notice.room === open)
    expect(all.map((notice) => notice.room)).not.toContain(room)
  })

  it('publishes a long reply without its text', async () => {
    const room = await app.createRoom(['alice', 'bob'])
    const { id: threadId } = await app.send(room, 'first', 'alice')
    const mailbox = await app.listen(roomNotify, { room }, 'bob')

    const { seq } = await reply(room, threadId, 'x'.repeat(8_000), 'alice')

    const [notice] = (await mailbox.until((notice) => notice.seq === seq)).slice(-1)
    expect(notice).toMatchObject({ threadId })
    expect(notice).not.toHaveProperty('event')
    const message = await app.call('msg.get', { notifyId: notice?.notifyId ?? '' }, 'bob')
    expect(message).toMatchObject({ threadId, text: 'x'.repeat(8_000) })
  })

  it('publishes the events of each thread and of the room in order, each event once', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private')
    const first = await app.send(room, 'first', 'alice')
    const second = await app.send(room, 'second', 'alice')
    const mailbox = await app.listen(deliverNotify, { user: 'bob', room }, 'bob')

    const answers = await Promise.all(
      Array.from({ length: 300 }, (_, index) => {
        if (index % 3 === 0) return app.send(room, `${index}`, 'alice')
        return reply(room, index % 3 === 1 ? first.id : second.id, `${index}`, 'bob')
      }),
    )

    const last = Math.max(...answers.map(({ seq }) => seq))
    const received = (await mailbox.until(({ seq }) => seq === last)).filter(
      (notice) => notice.seq > second.seq,
    )
    expect(received.map(({ seq }) => seq)).toEqual(
      answers.map(({ seq }) => seq).sort((a, b) => a - b),
    )
    for (const threadId of [first.id, second.id, undefined]) {
      const chain = received.filter((notice) => notice.threadId === threadId)
      expect(chain).toHaveLength(100)
      expect(chain[0]?.prev).toBe(threadId === undefined ? second.seq : 0)
      expectChain(chain)
    }
  })
})
