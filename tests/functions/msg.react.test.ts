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
import { lockMessages } from '../support/table-lock.ts'

const app = useApp()

const absent = toNotifyId({ seq: 1, id: '0'.repeat(32) as MessageId })

const emojis = [...'🍇🍈🍉🍊🍋🍌🍍🥭🍎🍏🍐🍑🍒🍓🥝🍅🥥🥑🍆🥔']

const react = (notifyId: string, emoji: string, as: TestPerson, on = true) =>
  app.call('msg.react', { notifyId, emoji, on }, as)

async function createMessage(kind: 'public' | 'private' = 'public') {
  const room = await app.createRoom(['alice', 'bob'], kind, { bob: 'owner' })
  const sent = await app.send(room, 'how about lunch?', 'alice')
  return { room, sent, notifyId: toNotifyId(sent) }
}

async function readReactions(room: string, as: TestPerson = 'alice') {
  const { messages } = await app.call('chat.history', { room }, as)
  return messages.at(-1)?.reactions
}

describe('msg.react', () => {
  it('adds reactions, in the order in which each emoji was first used', async () => {
    const { room, notifyId } = await createMessage()

    await react(notifyId, '👍', 'bob')
    await react(notifyId, '👩‍👩‍👧', 'bob')
    await react(notifyId, '👍', 'alice')

    await expect
      .poll(() => readReactions(room))
      .toEqual([
        { emoji: '👍', count: 2, users: ['bob', 'alice'] },
        { emoji: '👩‍👩‍👧', count: 1, users: ['bob'] },
      ])
  })

  it('removes the reaction of the caller only', async () => {
    const { room, notifyId } = await createMessage()
    await react(notifyId, '👍', 'alice')
    await react(notifyId, '👍', 'bob')

    await react(notifyId, '👍', 'alice', false)

    await expect
      .poll(() => readReactions(room))
      .toEqual([{ emoji: '👍', count: 1, users: ['bob'] }])
  })

  it('publishes reactions to the room in stream order', async () => {
    const { room, sent, notifyId } = await createMessage()
    const notices = await app.listen(roomNotify, { room }, 'bob')

    const { seq } = await react(notifyId, '👍', 'bob')
    const next = await react(notifyId, '👍', 'bob', false)

    const received = await notices.until((notice) => notice.seq === next.seq)
    const event = { kind: 'react', room, by: 'bob', at: expect.stringMatching(/Z$/) }
    const target = { message: { notifyId }, emoji: '👍' }
    expect(received.filter((notice) => notice.seq > sent.seq)).toEqual([
      {
        room,
        kind: 'react',
        seq,
        prev: sent.seq,
        notifyId,
        event: { ...event, ...target, on: true },
      },
      expect.objectContaining({
        seq: next.seq,
        prev: seq,
        event: { ...event, ...target, on: false },
      }),
    ])
  })

  it('publishes a reaction to each member of a private room', async () => {
    const { room, notifyId } = await createMessage('private')
    const toBob = await app.listen(deliverNotify, { user: 'bob', room }, 'bob')

    const { seq } = await react(notifyId, '❤️', 'alice')

    const [notice] = (await toBob.until((notice) => notice.seq === seq)).slice(-1)
    expect(notice).toMatchObject({ kind: 'react', notifyId, event: { emoji: '❤️', by: 'alice' } })
  })

  it('reacts to a reply in a thread', async () => {
    const { room, sent } = await createMessage()
    const reply = { room, threadId: sent.id, clientId: newClientId(), text: 'under it' }
    const notifyId = toNotifyId(await app.call('send.thread', reply, 'bob'))

    await react(notifyId, '👍', 'alice')

    const threadInput = { room, threadId: sent.id }
    const page = async () => (await app.call('chat.history.thread', threadInput, 'bob')).messages
    await expect
      .poll(page)
      .toMatchObject([{ reactions: [{ emoji: '👍', count: 1, users: ['alice'] }] }])
    expect((await app.readEvents(room)).at(-1)).toMatchObject({
      kind: 'react',
      message: { notifyId, threadId: sent.id },
    })
  })

  it('stores no event when a call is repeated, and returns the sequence number of the existing event', async () => {
    const { room, notifyId } = await createMessage()

    const on = await react(notifyId, '👍', 'bob')
    const onAgain = await react(notifyId, '👍', 'bob')
    const off = await react(notifyId, '👍', 'bob', false)
    const offAgain = await react(notifyId, '👍', 'bob', false)

    expect([onAgain, offAgain]).toEqual([on, off])
    expect(await app.readEvents(room)).toHaveLength(3)
  })

  it('stores no event when removing a reaction that does not exist', async () => {
    const { room, sent, notifyId } = await createMessage()

    const answer = await react(notifyId, '👍', 'bob', false)

    expect(answer).toEqual({ seq: sent.seq })
    expect(await app.readEvents(room)).toHaveLength(1)
  })

  it('keeps the result of the last call when reactions are added and removed in quick succession', async () => {
    const { room, notifyId } = await createMessage()
    const release = await lockMessages()
    const toggleReactions = async () => {
      for (const on of [true, false, true, false, true]) await react(notifyId, '👍', 'bob', on)
      await react(notifyId, '🎉', 'bob')
      await react(notifyId, '🎉', 'bob', false)
    }

    const toggling = toggleReactions()
    await release()
    await toggling

    expect(await app.readEvents(room)).toHaveLength(8)
    const last = await app.send(room, 'last', 'alice')
    await app.waitForRows(room, 2)
    const { messages } = await app.call('chat.history', { room, before: last.seq }, 'alice')
    expect(messages).toMatchObject([{ reactions: [{ emoji: '👍', count: 1, users: ['bob'] }] }])
  })

  it('counts each user once when their devices react concurrently', async () => {
    const { room, notifyId } = await createMessage()

    await Promise.all(
      Array.from({ length: 10 }, (_, index) => react(notifyId, '👍', index % 2 ? 'alice' : 'bob')),
    )

    const readCounts = async () => (await readReactions(room))?.map(({ count }) => count)
    await expect.poll(readCounts).toEqual([2])
  })

  it('accepts 20 different emojis for a message, and rejects a 21st from any user as a conflict', async () => {
    const { room, notifyId } = await createMessage()
    for (const emoji of emojis) await react(notifyId, emoji, 'bob')
    await expect.poll(() => readReactions(room)).toHaveLength(20)

    await expect(react(notifyId, '🎉', 'alice')).rejects.toMatchObject({ code: 'conflict' })
    await expect(react(notifyId, '🎉', 'bob')).rejects.toMatchObject({ code: 'conflict' })

    await react(notifyId, emojis[3] ?? '', 'alice')
    await react(notifyId, emojis[0] ?? '', 'bob', false)
    await expect
      .poll(() => react(notifyId, '🎉', 'alice').catch(({ code }) => code))
      .not.toBe('conflict')
  })

  it('rejects a guest of the room as forbidden', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'public', { bob: 'guest' })
    const notifyId = toNotifyId(await app.send(room, 'look', 'alice'))

    await expect(react(notifyId, '👍', 'bob')).rejects.toMatchObject({ code: 'forbidden' })
  })

  it('rejects a reaction to a deleted message as forbidden', async () => {
    const { notifyId } = await createMessage()
    await app.call('msg.delete', { notifyId }, 'alice')

    await expect(react(notifyId, '👍', 'bob')).rejects.toMatchObject({ code: 'forbidden' })
  })

  it('rejects a call by a non-member with the same error as for an unknown message', async () => {
    const room = await app.createRoom(['alice'], 'private')
    const notifyId = toNotifyId(await app.send(room, 'between us', 'alice'))

    await expectSameRejection((id) => react(id, '👍', 'bob'), { hidden: notifyId, absent })
  })

  it('rejects a reaction by a user who left the room', async () => {
    const { room, notifyId } = await createMessage()
    await app.call('room.leave', { room }, 'alice')

    expect(await nextRejection(() => react(notifyId, '👍', 'alice'))).toBe('forbidden')
  })

  it('rejects a call in an archived room', async () => {
    const { room, notifyId } = await createMessage()
    await app.call('room.archive', { room, archived: true }, 'bob')

    expect(await nextRejection(() => react(notifyId, '👍', 'alice'))).toBe('forbidden')
  })

  it('rejects a call by a user without a role as forbidden', async () => {
    await expect(react(absent, '👍', 'charlie')).rejects.toMatchObject({ code: 'forbidden' })
  })

  it.each(['', 'x', '1', '👍👍', ' 👍', '👍 ', '<b>', '\u200d', '🏻'.repeat(20), ':+1:'])(
    'rejects "%s", which is not an emoji, as invalid',
    async (emoji) => {
      await expect(react(absent, emoji, 'alice')).rejects.toMatchObject({ code: 'invalid' })
    },
  )

  it.each(badPayloads({ notifyId: absent, emoji: '👍' }))(
    'rejects invalid input: %s',
    async (_name, payload) => {
      const { status } = await app.request('as.alice.msg.react', payload, 'alice')

      expect(status).toMatch(/^4(00|13)$/)
    },
  )
})
