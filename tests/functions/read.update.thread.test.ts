import { describe, expect, it } from 'vitest'
import { deliverRead } from '#schema/messages/room'
import { deliverReadThread } from '#schema/messages/thread'
import {
  expectSameRejection,
  newMessageId,
  newRoomId,
  nextRejection,
  useApp,
} from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'
import { createThreads } from '../support/thread-fixture.ts'

const app = useApp()
const { createThread, reply, read, countsOf, stateOf } = createThreads(app)

describe('read.update.thread', () => {
  it('marks replies and mentions in the thread as read, which read.update leaves unread', async () => {
    const { room, threadId } = await createThread('bob')
    await reply(room, threadId, 'one', 'alice')
    const last = await reply(room, threadId, 'two, @bob', 'alice')
    await app.waitForRows(room, 3)

    const afterRoom = await app.call('read.update', { room, seq: last.seq }, 'bob')
    const found = await app.call('mention.find', { room }, 'bob')
    const afterThread = await read(room, threadId, last.seq, 'bob')

    expect(afterRoom).toMatchObject({ unread: 2, mentions: 1 })
    expect(found).toEqual({ mention: { id: last.id, seq: last.seq, threadId } })
    expect(afterThread).toMatchObject({ threadSeq: last.seq, unread: 0, mentions: 0 })
    expect(await countsOf(room, 'bob')).toEqual({ unread: 0, mentions: 0 })
    expect(await app.call('mention.find', { room }, 'bob')).toEqual({})
  })

  it('moves the read position of the thread forwards only', async () => {
    const { room, threadId } = await createThread('bob')
    const one = await reply(room, threadId, 'one', 'alice')
    const two = await reply(room, threadId, 'two', 'alice')
    await app.waitForRows(room, 3)
    await app.call('read.update', { room, seq: two.seq }, 'bob')

    expect(await read(room, threadId, one.seq, 'bob')).toMatchObject({ unread: 1 })
    expect(await stateOf(threadId, 'bob')).toMatchObject({ readSeq: one.seq, unread: 1 })
    expect(await read(room, threadId, two.seq, 'bob')).toMatchObject({ threadSeq: two.seq })
    expect(await read(room, threadId, one.seq, 'bob')).toMatchObject({ threadSeq: two.seq })
  })

  it('accepts the sequence number of a reply that is not yet persisted', async () => {
    const { room, threadId } = await createThread('bob')

    for (const text of ['1', '2', '3', '4', '5']) {
      const { seq } = await reply(room, threadId, `${text} @bob`, 'alice')
      await app.call('read.update', { room, seq }, 'bob')
      expect(await read(room, threadId, seq, 'bob')).toMatchObject({ threadSeq: seq })
    }
    await app.waitForRows(room, 6)
    expect(await countsOf(room, 'bob')).toEqual({ unread: 0, mentions: 0 })
  })

  it('publishes the read position of the thread to all devices of the caller, once for repeated calls', async () => {
    const { room, threadId } = await createThread('bob')
    const { seq } = await reply(room, threadId, 'one', 'alice')
    const toBob = await app.listen(deliverReadThread, { user: 'bob', room }, 'bob')

    await read(room, threadId, seq, 'bob')
    await read(room, threadId, seq, 'bob')
    const next = await reply(room, threadId, 'two', 'alice')
    await read(room, threadId, next.seq, 'bob')

    expect(await toBob.next()).toMatchObject({ user: 'bob', room, threadId, threadSeq: seq })
    expect(await toBob.next()).toMatchObject({ threadSeq: next.seq })
  })

  it('does not make the caller follow the thread', async () => {
    const { room, threadId } = await createThread('alice')
    const { seq } = await reply(room, threadId, 'one', 'alice')
    await read(room, threadId, seq, 'bob')
    await reply(room, threadId, 'two', 'alice')
    const rows = await app.waitForRows(room, 3)
    await app.call('read.update', { room, seq: rows.at(-1)?.seq ?? 0 }, 'bob')

    expect(await countsOf(room, 'bob')).toEqual({ unread: 0, mentions: 0 })
    expect(await stateOf(threadId, 'bob')).toBeUndefined()
  })

  it('is not needed after read.update with `threads: true`, which marks all threads of the room as read', async () => {
    const { room, threadId } = await createThread('bob')
    const { seq } = await reply(room, threadId, '@bob', 'alice')
    await app.waitForRows(room, 2)
    await app.call('read.update', { room, seq }, 'bob')
    const toBob = await app.listen(deliverRead, { user: 'bob', room }, 'bob')

    const answer = await app.call('read.update', { room, seq, threads: true }, 'bob')

    expect(answer).toMatchObject({ seq, unread: 0, mentions: 0 })
    expect(await toBob.next()).toMatchObject({ seq, threads: true, back: false })
    expect(await stateOf(threadId, 'bob')).toMatchObject({ readSeq: seq, unread: 0 })
  })

  it('rejects a non-member with the same error as for an unknown room', async () => {
    const { room, threadId } = await createThread()
    await app.removeMember(room, 'bob')
    await nextRejection(() => read(room, threadId, 1, 'bob'))

    await expectSameRejection((id) => read(id, threadId, 1, 'bob'), {
      hidden: room,
      absent: newRoomId(),
    })
  })

  it('rejects the id of a message in another room, with the same error as for an unknown id', async () => {
    const { room } = await createThread()
    const other = await createThread()

    await expectSameRejection((id) => read(room, id, 1, 'bob'), {
      hidden: other.threadId,
      absent: newMessageId(),
    })
  })

  it.each(badPayloads({ seq: 1 }))('rejects invalid input: %s', async (_name, payload) => {
    const { room, threadId } = await createThread()
    const subject = `as.alice.read.update.${room}.thread.${threadId}`

    const { status } = await app.request(subject, payload, 'alice')

    expect(status).toMatch(/^4(00|13)$/)
  })
})
