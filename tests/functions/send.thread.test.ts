import { jetstreamManager } from '@nats-io/jetstream'
import { describe, expect, it } from 'vitest'
import { deliverRejected } from '#schema/messages/chat'
import { roomNotify } from '#schema/messages/event'
import { CHAT_MESSAGES } from '#schema/streams'
import {
  newClientId,
  newMessageId,
  nextRejection,
  type TestPerson,
  useApp,
} from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'

const app = useApp()

function reply(
  room: string,
  threadId: string,
  text: string,
  as: TestPerson,
  clientId = newClientId(),
) {
  return app.call('send.thread', { room, threadId, clientId, text }, as)
}

describe('send.thread', () => {
  it('stores a reply on the subject of its thread', async () => {
    const room = await app.createRoom(['alice', 'bob'])
    const { id: threadId } = await app.send(room, 'first', 'alice')

    const { id, seq } = await reply(room, threadId, 'under it', 'bob')

    const { nc } = await app.connectAs('functions')
    const manager = await jetstreamManager(nc)
    const stored = await manager.streams.getMessage(CHAT_MESSAGES.stream, { seq })
    expect(stored?.subject).toBe(`chat.${room}.thread.${threadId}`)
    expect(stored?.json()).toMatchObject({ kind: 'message', id, sender: 'bob', text: 'under it' })
  })

  it('publishes a reply with the sequence number of the previous reply in its thread, not of the previous message in the room', async () => {
    const room = await app.createRoom(['alice', 'bob'])
    const first = await app.send(room, 'first', 'alice')
    const notices = await app.listen(roomNotify, { room }, 'bob')

    const firstReply = await reply(room, first.id, 'one', 'alice')
    const secondReply = await reply(room, first.id, 'two', 'alice')
    const second = await app.send(room, 'second', 'alice')

    const received = await notices.until(({ seq }) => seq === second.seq)
    const findNotice = (seq: number) => received.find((notice) => notice.seq === seq)
    expect(findNotice(firstReply.seq)).toMatchObject({ threadId: first.id, prev: 0 })
    expect(findNotice(secondReply.seq)).toMatchObject({ threadId: first.id, prev: firstReply.seq })
    expect(findNotice(second.seq)).toMatchObject({ prev: first.seq })
    expect(findNotice(second.seq)).not.toHaveProperty('threadId')
  })

  it('publishes a reply with the id of the user who started its thread, even if the text is too long to be included', async () => {
    const room = await app.createRoom(['alice', 'bob'])
    const first = await app.send(room, 'first', 'alice')
    const notices = await app.listen(roomNotify, { room }, 'bob')

    const { seq } = await reply(room, first.id, 'x'.repeat(2_000), 'bob')

    const received = await notices.until((notice) => notice.seq === seq)
    expect(received.at(-1)).toMatchObject({ threadId: first.id, threadBy: 'alice' })
    expect(received.at(-1)).not.toHaveProperty('event')
  })

  it('stores one message for concurrent calls with the same client id', async () => {
    const room = await app.createRoom(['alice'])
    const { id: threadId } = await app.send(room, 'first', 'alice')
    const clientId = newClientId()

    const answers = await Promise.all(
      Array.from({ length: 5 }, () => reply(room, threadId, 'once', 'alice', clientId)),
    )

    expect(new Set(answers.map(({ seq }) => seq)).size).toBe(1)
    await expect(app.send(room, 'once', 'alice', clientId)).rejects.toMatchObject({
      code: 'conflict',
    })
  })

  it('rejects as forbidden a reply to a thread of another room, to another reply, or to an unknown thread', async () => {
    const [room, other] = [await app.createRoom(['alice']), await app.createRoom(['alice'])]
    const { id } = await app.send(room, 'first', 'alice')
    const { id: replyId } = await reply(room, id, 'under it', 'alice')
    const absent = newMessageId()

    for (const [roomId, threadId] of [
      [other, id],
      [room, replyId],
      [room, absent],
    ] as const)
      await expect(reply(roomId, threadId, 'hm', 'alice')).rejects.toMatchObject({
        code: 'forbidden',
      })
  })

  it('rejects a call by a non-member with the same error as for an unknown thread', async () => {
    const room = await app.createRoom(['alice'], 'private')
    const { id } = await app.send(room, 'first', 'alice')
    const absent = newMessageId()
    const rejectionOf = (threadId: string) =>
      reply(room, threadId, 'let me in', 'bob').catch((error) => error)

    const [onHidden, onAbsent] = [await rejectionOf(id), await rejectionOf(absent)]

    expect(onHidden).toMatchObject({ code: 'forbidden' })
    expect(onAbsent).toMatchObject({ code: 'forbidden', message: onHidden.message })
  })

  it('rejects a guest of the room as forbidden', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'public', { bob: 'guest' })
    const { id } = await app.send(room, 'first', 'alice')

    await expect(reply(room, id, 'may I?', 'bob')).rejects.toMatchObject({ code: 'forbidden' })
  })

  it('rejects a kicked member within one second', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private', { alice: 'owner' })
    const { id } = await app.send(room, 'first', 'alice')
    await reply(room, id, 'still here', 'bob')

    await app.call('room.kick', { room, userId: 'bob' }, 'alice')

    expect(await nextRejection(() => reply(room, id, 'gone?', 'bob'))).toBe('forbidden')
  })

  it('publishes a rejection to a sender whose request has no reply subject', async () => {
    const room = await app.createRoom(['alice'])
    const rejections = await app.listen(deliverRejected, { user: 'alice', room }, 'alice')
    const { client } = await app.connectAs('alice')
    const threadId = newMessageId()

    client.publish('send.thread', { room, threadId, clientId: newClientId(), text: 'hm' })

    expect(await rejections.next()).toMatchObject({ code: 'forbidden' })
  })

  it.each(badPayloads({ clientId: 'a-client-id', text: 'hello' }))(
    'rejects invalid input: %s',
    async (_name, payload) => {
      const room = await app.createRoom(['alice'])
      const { id } = await app.send(room, 'first', 'alice')

      const { status } = await app.request(
        `deliver.alice.send.${room}.thread.${id}`,
        payload,
        'alice',
      )

      expect(status).toMatch(/^4(00|13)$/)
    },
  )
})
