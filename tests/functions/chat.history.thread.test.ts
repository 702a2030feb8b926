import { describe, expect, it } from 'vitest'
import type { InputOf } from '#runtime'
import { type MessageId, type RoomId, toNotifyId } from '#schema/ids'
import type { chatHistoryThread } from '#schema/messages/chat'
import {
  expectSameRejection,
  newClientId,
  newRoomId,
  nextRejection,
  useApp,
} from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'

const app = useApp()

type Page = Omit<InputOf<typeof chatHistoryThread>, 'room' | 'threadId'>

/** Creates a thread: a message by bob, with the replies "1", "2" and so on by alice. */
async function createThread(count: number) {
  const room = await app.createRoom(['alice', 'bob'], 'private')
  const { id: threadId } = await app.send(room, 'what do you think?', 'bob')
  const seqs: number[] = []
  for (let index = 1; index <= count; index++)
    seqs.push((await reply(room, threadId, String(index))).seq)
  await app.waitForRows(room, count + 1)
  return { room, threadId, seqs }
}

function reply(room: RoomId, threadId: MessageId, text: string) {
  return app.call('send.thread', { room, threadId, text, clientId: newClientId() }, 'alice')
}

function read({ room, threadId }: { room: RoomId; threadId: MessageId }, page: Page = {}) {
  return app.call('chat.history.thread', { room, threadId, ...page }, 'bob')
}

/**
 * Joins the texts of a page. The result begins with `<` if there are older replies on other pages,
 * and ends with `>` if there are newer ones.
 */
async function texts(...args: Parameters<typeof read>) {
  const { messages, before, after } = await read(...args)
  return [before ? '<' : '', ...messages.map(({ text }) => text), after ? '>' : ''].join(' ').trim()
}

describe('chat.history.thread', () => {
  it('returns the replies of a thread, oldest first, but not the message that began the thread', async () => {
    const thread = await createThread(2)

    const { messages, before, after } = await read(thread)

    expect(messages.map(({ seq }) => seq)).toEqual(thread.seqs)
    expect(messages[0]).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{32}$/),
      room: thread.room,
      threadId: thread.threadId,
      seq: thread.seqs[0],
      sender: 'alice',
      clientId: expect.any(String),
      text: '1',
      mentions: [],
      at: expect.stringMatching(/Z$/),
      reactions: [],
    })
    expect({ before, after }).toEqual({ before: false, after: false })
    await expect.poll(async () => (await read(thread)).asOf).toBe(thread.seqs[1])
  })

  it('returns the newest page by default, or the page before, after or around a sequence number', async () => {
    const thread = await createThread(5)
    const [first, second, third, fourth, last] = thread.seqs

    expect(await texts(thread)).toBe('1 2 3 4 5')
    expect(await texts(thread, { limit: 2 })).toBe('< 4 5')
    expect(await texts(thread, { before: fourth, limit: 2 })).toBe('< 2 3 >')
    expect(await texts(thread, { before: first, limit: 2 })).toBe('>')
    expect(await texts(thread, { after: 0, limit: 2 })).toBe('1 2 >')
    expect(await texts(thread, { after: last, limit: 2 })).toBe('<')
    expect(await texts(thread, { around: third, limit: 3 })).toBe('< 2 3 4 >')
    expect(await texts(thread, { around: second, limit: 4 })).toBe('1 2 3 >')
  })

  it('returns neither messages of the room nor replies of other threads', async () => {
    const thread = await createThread(1)
    const other = await app.send(thread.room, 'something else', 'alice')
    await reply(thread.room, other.id, 'under something else')
    await app.waitForRows(thread.room, 4)

    expect(await texts(thread)).toBe('1')
    expect(await texts({ ...thread, threadId: other.id })).toBe('under something else')
  })

  it('returns replies with their edits, reactions and deletions', async () => {
    const thread = await createThread(2)
    const [first, second] = (await read(thread)).messages
    if (!first || !second) throw new Error('The page has no replies')
    await app.call('msg.edit', { notifyId: toNotifyId(first), text: 'one' }, 'alice')
    await app.call('msg.react', { notifyId: toNotifyId(first), emoji: '👍' }, 'bob')
    await app.call('msg.delete', { notifyId: toNotifyId(second) }, 'alice')

    await expect.poll(() => texts(thread)).toBe('one')
    const page = async () => (await read(thread)).messages
    await expect
      .poll(page)
      .toMatchObject([
        { reactions: [{ emoji: '👍', count: 1, users: ['bob'] }] },
        { text: '', deletedAt: expect.stringMatching(/Z$/) },
      ])
  })

  it('returns an empty page for a message without replies and for an unknown message', async () => {
    const room = await app.createRoom(['bob'])
    const { id: threadId } = await app.send(room, 'anybody?', 'bob')
    const emptyPage = { messages: [], before: false, after: false }

    expect(await read({ room, threadId })).toMatchObject(emptyPage)
    expect(await read({ room, threadId: '0'.repeat(32) as MessageId })).toMatchObject(emptyPage)
  })

  it('returns an empty page for a thread of another room', async () => {
    const { threadId } = await createThread(1)
    const room = await app.createRoom(['bob'])

    expect(await texts({ room, threadId })).toBe('')
  })

  it('rejects a call by a non-member of a private room with the same error as for an unknown room', async () => {
    const { room, threadId } = await createThread(1)
    const absent = newRoomId()

    await expectSameRejection(
      (id) => app.call('chat.history.thread', { room: id, threadId }, 'charlie'),
      { hidden: room, absent },
    )
  })

  it('rejects a removed member within one second, even if no event announced the removal', async () => {
    const thread = await createThread(1)
    await read(thread)
    await app.removeMember(thread.room, 'bob')

    expect(await nextRejection(() => read(thread))).toBe('forbidden')
  })

  it.each([
    ['a limit of 0', { limit: 0 }],
    ['a limit of 101', { limit: 101 }],
    ['a negative sequence number', { after: -1 }],
    ['before and around together', { before: 5, around: 1 }],
  ])('rejects %s as invalid', async (_name, page) => {
    const thread = await createThread(0)

    await expect(read(thread, page)).rejects.toMatchObject({ code: 'invalid' })
  })

  it('rejects a malformed thread id as invalid', async () => {
    const room = await app.createRoom(['bob'])

    await expect(read({ room, threadId: 'abc' as MessageId })).rejects.toMatchObject({
      code: 'invalid',
    })
  })

  it.each(badPayloads({ limit: 10, before: 5 }))(
    'rejects invalid input: %s',
    async (_name, payload) => {
      const { room, threadId } = await createThread(0)

      const subject = `as.bob.chat.history.${room}.thread.${threadId}`
      const { status } = await app.request(subject, payload, 'bob')

      expect(status).toMatch(/^4(00|13)$/)
    },
  )
})
