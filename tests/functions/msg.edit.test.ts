import { eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { db } from '#schema/db'
import { type MessageId, type NotifyId, readNotifyId, toNotifyId } from '#schema/ids'
import { deliverNotify, roomNotify } from '#schema/messages/event'
import { messages } from '#schema/tables/message'
import {
  expectSameRejection,
  newClientId,
  nextRejection,
  type TestPerson,
  useApp,
} from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'
import { lockMessages } from '../support/table-lock.ts'

const app = useApp()

const absent = toNotifyId({ seq: 1, id: '0'.repeat(32) as MessageId })

const edit = (notifyId: string, text: string, as: TestPerson) =>
  app.call('msg.edit', { notifyId, text }, as)

const read = (notifyId: string, as: TestPerson) => app.call('msg.get', { notifyId }, as)

async function createMessage(text = 'first', kind: 'public' | 'private' = 'public') {
  const room = await app.createRoom(['alice', 'bob'], kind, { bob: 'owner' })
  const sent = await app.send(room, text, 'alice')
  return { room, sent, notifyId: toNotifyId(sent) }
}

async function readRow(notifyId: NotifyId) {
  const [row] = await db
    .select()
    .from(messages)
    .where(eq(messages.id, readNotifyId(notifyId).id))
  return row
}

describe('msg.edit', () => {
  it('replaces the text and the mentions for all readers', async () => {
    const { room, sent, notifyId } = await createMessage('first')

    const { seq } = await edit(notifyId, 'second, @bob and @alice', 'alice')

    const [text, mentions] = ['second, @bob and @alice', ['bob', 'alice']]
    const edited = { ...sent, text, mentions }
    const message = await read(notifyId, 'bob')
    expect(message).toMatchObject({ ...edited, editedSeq: seq })
    expect(Date.parse(message.editedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(sent.at))
    const page = async () => (await app.call('chat.history', { room }, 'bob')).messages
    await expect.poll(page).toMatchObject([{ ...edited, editedAt: message.editedAt }])
  })

  it('publishes the edit to the room in stream order', async () => {
    const { room, sent, notifyId } = await createMessage()
    const notices = await app.listen(roomNotify, { room }, 'bob')

    const { seq } = await edit(notifyId, 'for @bob', 'alice')
    const next = await app.send(room, 'next', 'bob')

    expect(seq).toBeGreaterThan(sent.seq)
    const received = await notices.until((notice) => notice.seq === next.seq)
    expect(received.filter((notice) => notice.seq > sent.seq)).toEqual([
      {
        room,
        kind: 'edit',
        seq,
        prev: sent.seq,
        notifyId,
        event: {
          kind: 'edit',
          room,
          by: 'alice',
          at: expect.stringMatching(/Z$/),
          message: { notifyId },
          text: 'for @bob',
          mentions: ['bob'],
        },
      },
      expect.objectContaining({ seq: next.seq, prev: seq }),
    ])
  })

  it('publishes the edit to each member of a private room', async () => {
    const { room, notifyId } = await createMessage('first', 'private')
    const toBob = await app.listen(deliverNotify, { user: 'bob', room }, 'bob')

    const { seq } = await edit(notifyId, 'second', 'alice')

    const [notice] = (await toBob.until((notice) => notice.seq === seq)).slice(-1)
    expect(notice).toMatchObject({ kind: 'edit', notifyId, event: { text: 'second' } })
  })

  it('publishes a long edit with the id of the message, but without the text', async () => {
    const { room, notifyId } = await createMessage()
    const notices = await app.listen(roomNotify, { room }, 'bob')

    await edit(notifyId, 'x'.repeat(8_000), 'alice')

    const [notice] = (await notices.until(({ kind }) => kind === 'edit')).slice(-1)
    expect(notice).toMatchObject({ notifyId })
    expect(notice).not.toHaveProperty('event')
    expect((await read(notifyId, 'bob')).text).toHaveLength(8_000)
  })

  it('edits a reply, and publishes the edit with the thread id', async () => {
    const { room, sent } = await createMessage()
    const reply = { room, threadId: sent.id, clientId: newClientId(), text: 'under it' }
    const notifyId = toNotifyId(await app.call('send.thread', reply, 'bob'))
    const notices = await app.listen(roomNotify, { room }, 'alice')

    const { seq } = await edit(notifyId, 'still under it', 'bob')

    const [notice] = (await notices.until((notice) => notice.seq === seq)).slice(-1)
    expect(notice).toMatchObject({
      prev: sent.seq,
      event: { message: { notifyId, threadId: sent.id } },
    })
    expect(notice).not.toHaveProperty('threadId')
    const threadInput = { room, threadId: sent.id }
    const texts = async () =>
      (await app.call('chat.history.thread', threadInput, 'alice')).messages.map(({ text }) => text)
    await expect.poll(texts).toEqual(['still under it'])
  })

  it('stores no event when the text is unchanged, and returns the sequence number of the message or of its last edit', async () => {
    const { room, sent, notifyId } = await createMessage()

    const unchanged = await edit(notifyId, 'first', 'alice')
    const first = await edit(notifyId, 'second', 'alice')
    const again = await edit(notifyId, 'second', 'alice')

    expect(unchanged).toEqual({ seq: sent.seq })
    expect(again).toEqual(first)
    expect(await app.readEvents(room)).toHaveLength(2)
  })

  it('edits a message that is not yet persisted', async () => {
    const room = await app.createRoom(['alice', 'bob'])
    const release = await lockMessages()
    const notifyId = toNotifyId(await app.send(room, 'first', 'alice'))

    await edit(notifyId, 'second', 'alice')
    const before = await read(notifyId, 'bob')
    await release()

    expect(before.text).toBe('second')
    await expect.poll(() => readRow(notifyId)).toMatchObject({ text: 'second' })
    expect(await read(notifyId, 'bob')).toEqual(before)
  })

  it('makes the database and msg.get keep the edit that is last in the stream when several edits are concurrent', async () => {
    const { room, notifyId } = await createMessage()
    const texts = Array.from({ length: 20 }, (_, index) => `edit ${index}`)

    const answers = await Promise.all(texts.map((text) => edit(notifyId, text, 'alice')))

    expect(new Set(answers.map(({ seq }) => seq)).size).toBe(20)
    const last = (await app.readEvents(room)).at(-1)
    expect(last).toMatchObject({ kind: 'edit' })
    const text = last && 'text' in last ? last.text : undefined
    await expect.poll(async () => (await readRow(notifyId))?.text).toBe(text)
    await expect.poll(async () => (await read(notifyId, 'bob')).text).toBe(text)
  })

  it.each(['owner', 'moderator', 'member'] as const)(
    'rejects an edit by a room %s who is not the sender',
    async (bob) => {
      const room = await app.createRoom(['alice', 'bob'], 'public', { bob })
      const notifyId = toNotifyId(await app.send(room, 'mine', 'alice'))

      await expect(edit(notifyId, 'yours', 'bob')).rejects.toMatchObject({ code: 'forbidden' })
      expect((await read(notifyId, 'bob')).text).toBe('mine')
    },
  )

  it('rejects a call by a non-member with the same error as for an unknown message', async () => {
    const room = await app.createRoom(['alice'], 'private')
    const notifyId = toNotifyId(await app.send(room, 'between us', 'alice'))

    await expectSameRejection((id) => edit(id, 'hm', 'bob'), { hidden: notifyId, absent })
  })

  it('rejects an edit by a sender who left the room', async () => {
    const { room, notifyId } = await createMessage()
    await app.call('room.leave', { room }, 'alice')

    expect(await nextRejection(() => edit(notifyId, 'gone', 'alice'))).toBe('forbidden')
  })

  it('rejects an edit by a sender who has become a guest', async () => {
    const { room, notifyId } = await createMessage()
    await app.call('room.role', { room, userId: 'alice', role: 'guest' }, 'bob')

    const change = () => edit(notifyId, `${Date.now()}`, 'alice')
    expect(await nextRejection(change)).toBe('forbidden')
  })

  it('rejects an edit of a deleted message as forbidden', async () => {
    const { notifyId } = await createMessage()
    await app.call('msg.delete', { notifyId }, 'alice')

    await expect(edit(notifyId, 'back again', 'alice')).rejects.toMatchObject({ code: 'forbidden' })
    expect((await read(notifyId, 'bob')).text).toBe('')
  })

  it('rejects a call in an archived room', async () => {
    const { room, notifyId } = await createMessage()
    await app.call('room.archive', { room, archived: true }, 'bob')

    const change = () => edit(notifyId, `${Date.now()}`, 'alice')
    expect(await nextRejection(change)).toBe('forbidden')
  })

  it('rejects a call by a user without a role as forbidden', async () => {
    await expect(edit(absent, 'hm', 'charlie')).rejects.toMatchObject({ code: 'forbidden' })
  })

  it.each([
    ['an empty text', { text: '' }],
    ['a NUL', { text: 'a\0b' }],
    ['a lone surrogate', { text: 'a\ud800b' }],
    ['a missing notify id', { notifyId: undefined }],
    ['a malformed notify id', { notifyId: 'x' }],
    ['a mentions field', { mentions: ['bob'] }],
  ])('rejects %s as invalid', async (_name, wrong) => {
    const payload = JSON.stringify({ notifyId: absent, text: 'hello', ...wrong })

    const answer = await app.request('as.alice.msg.edit', payload, 'alice')

    expect(answer).toMatchObject({ status: '400', body: { code: 'invalid' } })
  })

  it.each([8_001, 100_000])('rejects a text of %i characters as too large', async (length) => {
    const payload = JSON.stringify({ notifyId: absent, text: 'x'.repeat(length) })

    const answer = await app.request('as.alice.msg.edit', payload, 'alice')

    expect(answer).toMatchObject({ status: '413', body: { code: 'too_large' } })
  })

  it.each(badPayloads({ notifyId: absent, text: 'hello' }))(
    'rejects invalid input: %s',
    async (_name, payload) => {
      const { status } = await app.request('as.alice.msg.edit', payload, 'alice')

      expect(status).toMatch(/^4(00|13)$/)
    },
  )
})
