import { describe, expect, it } from 'vitest'
import { type MessageId, toNotifyId } from '#schema/ids'
import { deliverNotify, roomNotify } from '#schema/messages/event'
import {
  expectSameRejection,
  newClientId,
  nextRejection,
  type TestPerson,
  useApp,
} from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'

const app = useApp()

const absent = toNotifyId({ seq: 1, id: '0'.repeat(32) as MessageId })

const remove = (notifyId: string, as: TestPerson) => app.call('msg.delete', { notifyId }, as)

const read = (notifyId: string, as: TestPerson) => app.call('msg.get', { notifyId }, as)

async function createMessage(text = 'a secret', kind: 'public' | 'private' = 'public') {
  const room = await app.createRoom(['alice', 'bob'], kind, { bob: 'owner' })
  const sent = await app.send(room, text, 'alice')
  return { room, sent, notifyId: toNotifyId(sent) }
}

describe('msg.delete', () => {
  it('keeps the sequence number, sender and time of the message, and removes its text', async () => {
    const { room, sent, notifyId } = await createMessage('a secret for @bob')

    const { seq } = await remove(notifyId, 'alice')

    const message = await read(notifyId, 'bob')
    const deletedAt = expect.stringMatching(/Z$/)
    expect(message).toMatchObject({ ...sent, sender: 'alice', text: '', mentions: [], deletedAt })
    expect(message.editedSeq).toBe(seq)
    const { messages } = await app.call('chat.history', { room }, 'bob')
    expect(messages).toMatchObject([{ ...sent, text: '', mentions: [], deletedAt }])
  })

  it('publishes the deletion to the room in stream order, without the text', async () => {
    const { room, sent, notifyId } = await createMessage()
    const notices = await app.listen(roomNotify, { room }, 'bob')

    const { seq } = await remove(notifyId, 'alice')
    const next = await app.send(room, 'next', 'bob')

    const received = await notices.until((notice) => notice.seq === next.seq)
    const event = {
      kind: 'delete',
      room,
      by: 'alice',
      at: expect.stringMatching(/Z$/),
      message: { notifyId, sender: 'alice', clientId: expect.any(String), at: sent.at },
    }
    expect(received.filter((notice) => notice.seq > sent.seq)).toEqual([
      { room, kind: 'delete', seq, prev: sent.seq, notifyId, event },
      expect.objectContaining({ seq: next.seq, prev: seq }),
    ])
  })

  it('publishes the deletion to each member of a private room', async () => {
    const { room, notifyId } = await createMessage('a secret', 'private')
    const toBob = await app.listen(deliverNotify, { user: 'bob', room }, 'bob')

    const { seq } = await remove(notifyId, 'alice')

    const [notice] = (await toBob.until((notice) => notice.seq === seq)).slice(-1)
    expect(notice).toMatchObject({ kind: 'delete', notifyId })
  })

  it.each(['owner', 'moderator'] as const)('lets a room %s delete any message', async (bob) => {
    const room = await app.createRoom(['alice', 'bob'], 'public', { bob })
    const notifyId = toNotifyId(await app.send(room, 'rude', 'alice'))

    await remove(notifyId, 'bob')

    expect((await read(notifyId, 'alice')).text).toBe('')
    expect((await app.readEvents(room)).at(-1)).toMatchObject({ kind: 'delete', by: 'bob' })
  })

  it('deletes the first message of a thread, and keeps its replies', async () => {
    const { room, sent, notifyId } = await createMessage()
    const reply = { room, threadId: sent.id, clientId: newClientId(), text: 'under it' }
    const { id } = await app.call('send.thread', reply, 'bob')

    await remove(notifyId, 'alice')

    const threadInput = { room, threadId: sent.id }
    const page = async () => (await app.call('chat.history.thread', threadInput, 'alice')).messages
    await expect.poll(page).toMatchObject([{ id, text: 'under it' }])
  })

  it('deletes a reply in a thread', async () => {
    const { room, sent } = await createMessage()
    const reply = { room, threadId: sent.id, clientId: newClientId(), text: 'a secret' }
    const sentReply = await app.call('send.thread', reply, 'bob')
    const notifyId = toNotifyId(sentReply)
    const notices = await app.listen(roomNotify, { room }, 'alice')

    const { seq } = await remove(notifyId, 'bob')

    const [notice] = (await notices.until((notice) => notice.seq === seq)).slice(-1)
    expect(notice).toMatchObject({ prev: sent.seq, event: { message: { threadId: sent.id } } })
    expect(await app.readLog(sentReply.seq)).toBeNull()
    expect(await read(notifyId, 'alice')).toMatchObject({ threadId: sent.id, text: '' })
  })

  it('stores one deletion for concurrent and repeated calls, and returns its sequence number to every call', async () => {
    const { room, notifyId } = await createMessage()

    const answers = await Promise.all(
      (['alice', 'bob', 'alice', 'bob', 'alice'] as const).map((as) => remove(notifyId, as)),
    )
    const again = await remove(notifyId, 'alice')

    expect(new Set(answers.map(({ seq }) => seq))).toEqual(new Set([again.seq]))
    const deletions = (await app.readEvents(room)).filter(({ kind }) => kind === 'delete')
    expect(deletions).toHaveLength(1)
  })

  it('keeps the message deleted when its sender repeats send with the same client id', async () => {
    const room = await app.createRoom(['alice'])
    const clientId = newClientId()
    const sent = await app.send(room, 'a secret', 'alice', clientId)
    await remove(toNotifyId(sent), 'alice')

    const again = await app.send(room, 'a secret', 'alice', clientId)

    expect(again).toEqual(sent)
    expect((await read(toNotifyId(sent), 'alice')).text).toBe('')
    expect(await app.readEvents(room)).toMatchObject([{ kind: 'delete' }])
  })

  it('lets a guest delete a message that they sent as a member', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'public', { bob: 'owner' })
    const notifyId = toNotifyId(await app.send(room, 'mine', 'alice'))
    await app.call('room.role', { room, userId: 'alice', role: 'guest' }, 'bob')

    await remove(notifyId, 'alice')

    expect((await read(notifyId, 'bob')).text).toBe('')
  })

  it.each(['member', 'guest'] as const)(
    'rejects a deletion by a %s who is not the sender',
    async (bob) => {
      const room = await app.createRoom(['alice', 'bob'], 'public', { bob })
      const notifyId = toNotifyId(await app.send(room, 'mine', 'alice'))

      await expect(remove(notifyId, 'bob')).rejects.toMatchObject({ code: 'forbidden' })
      expect((await read(notifyId, 'bob')).text).toBe('mine')
    },
  )

  it('rejects a call by a non-member with the same error as for an unknown message', async () => {
    const room = await app.createRoom(['alice'], 'private')
    const notifyId = toNotifyId(await app.send(room, 'between us', 'alice'))

    await expectSameRejection((id) => remove(id, 'bob'), { hidden: notifyId, absent })
  })

  it('rejects deletions by a kicked user, even of their own messages', async () => {
    const { room, notifyId } = await createMessage()
    const bobsNotifyId = toNotifyId(await app.send(room, 'his', 'bob'))
    await app.call('room.kick', { room, userId: 'alice' }, 'bob')
    // The runtime caches alice's membership for up to half a second, so the call may still succeed
    // at first.
    expect(await nextRejection(() => read(bobsNotifyId, 'alice'))).toBe('forbidden')

    for (const notice of [notifyId, bobsNotifyId])
      await expect(remove(notice, 'alice')).rejects.toMatchObject({ code: 'forbidden' })
    expect((await read(notifyId, 'bob')).text).toBe('a secret')
  })

  it('rejects a call in an archived room as forbidden', async () => {
    const { room, notifyId } = await createMessage()
    await app.call('room.archive', { room, archived: true }, 'bob')
    expect(await nextRejection(() => read(notifyId, 'alice'))).toBe('forbidden')

    await expect(remove(notifyId, 'alice')).rejects.toMatchObject({ code: 'forbidden' })
  })

  it('rejects a call by a user without a role as forbidden', async () => {
    await expect(remove(absent, 'charlie')).rejects.toMatchObject({ code: 'forbidden' })
  })

  it.each(badPayloads({ notifyId: absent }))(
    'rejects invalid input: %s',
    async (_name, payload) => {
      const { status } = await app.request('as.alice.msg.delete', payload, 'alice')

      expect(status).toMatch(/^4(00|13)$/)
    },
  )
})
