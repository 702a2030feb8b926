import { jetstreamManager } from '@nats-io/jetstream'
import { describe, expect, it } from 'vitest'
import { storeLogins } from '#domain/users/store'
import { db } from '#schema/db'
import { type ClientId, toNotifyId, type UserId } from '#schema/ids'
import { deliverRejected } from '#schema/messages/chat'
import { deliverNotify, roomNotify } from '#schema/messages/event'
import { CHAT_MESSAGES } from '#schema/streams'
import { messages } from '#schema/tables/message'
import {
  expectSameRejection,
  newClientId,
  newMessageId,
  newRoomId,
  newUserId,
  nextRejection,
  useApp,
} from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'

const app = useApp()

const hourMs = 3_600_000

describe('send', () => {
  it('returns the id of the message, its sequence number, and its time by the clock of the server', async () => {
    const room = await app.createRoom(['alice'])
    const before = Date.now()

    const answer = await app.send(room, 'hello', 'alice')

    expect(answer).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{32}$/),
      seq: expect.any(Number),
      at: expect.stringMatching(/Z$/),
    })
    expect(Date.parse(answer.at)).toBeGreaterThanOrEqual(before)
    expect(Date.parse(answer.at)).toBeLessThanOrEqual(Date.now())
  })

  it('returns only after the stream has stored the message', async () => {
    const room = await app.createRoom(['alice'])
    const clientId = newClientId()

    const { id, seq, at } = await app.send(room, 'for the log', 'alice', clientId)

    const { nc } = await app.connectAs('functions')
    const manager = await jetstreamManager(nc)
    const stored = await manager.streams.getMessage(CHAT_MESSAGES.stream, { seq })
    expect(stored?.subject).toBe(`chat.${room}`)
    const message = { id, sender: 'alice', clientId, text: 'for the log', mentions: [], at }
    expect(stored?.json()).toEqual({ kind: 'message', ...message })
  })

  it('assigns increasing sequence numbers to the messages of a room', async () => {
    const room = await app.createRoom(['alice', 'bob'])

    const first = await app.send(room, '1', 'alice')
    const second = await app.send(room, '2', 'bob')

    expect(second.seq).toBeGreaterThan(first.seq)
  })

  it('publishes a message to a public room with its sequence number, that of the previous message, and its mentions', async () => {
    const room = await app.createRoom(['alice', 'bob', 'charlie'])
    const notices = await app.listen(roomNotify, { room }, 'bob')

    const first = await app.send(room, 'for all', 'alice')
    const second = await app.send(room, '@bob and @charlie, look: a@b.c', 'alice')

    expect(await notices.next()).toEqual({
      room,
      kind: 'message',
      seq: first.seq,
      prev: 0,
      notifyId: `${first.seq.toString(36)}-${first.id}`,
      event: expect.objectContaining({ id: first.id, sender: 'alice', text: 'for all' }),
    })
    expect(await notices.next()).toMatchObject({
      seq: second.seq,
      prev: first.seq,
      event: { mentions: ['bob', 'charlie'] },
    })
  })

  it('finds mentioned members by their handles, ignoring case, even if a handle is an e-mail address', async () => {
    const users = [newUserId(), newUserId(), newUserId(), newUserId()] as const
    const [jane, li, eva] = users
    const unique = jane.slice(-8)
    const handles = [`Jane.${unique}`, `li.wei.${unique}`, `eva+1@${unique}.org`, `out.${unique}`]
    const logins = users.map(
      (user, index) => [user, { name: `Person ${user}`, handle: handles[index] }] as const,
    )
    await storeLogins(new Map(logins))
    const room = await app.createRoom(['alice', jane, li, eva])
    const notices = await app.listen(roomNotify, { room }, 'alice')

    const text = `@jane.${unique}, ask @${handles[1]}, @${handles[2]} or @${handles[3]}.`
    await app.send(room, text, 'alice')

    const { event } = await notices.next()
    expect(event).toMatchObject({ mentions: [jane, li, eva] })
  })

  it('publishes a long message without its text', async () => {
    const room = await app.createRoom(['alice', 'bob'])
    const notices = await app.listen(roomNotify, { room }, 'bob')

    await app.send(room, 'x'.repeat(8_000), 'alice')

    const notice = await notices.next()
    expect(notice).not.toHaveProperty('event')
    const message = await app.call('msg.get', { notifyId: notice.notifyId ?? '' }, 'bob')
    expect(message.text).toHaveLength(8_000)
  })

  it('publishes a message to the members of a private room only', async () => {
    const secret = await app.createRoom(['alice', 'bob'], 'private')
    const other = await app.createRoom(['alice', 'charlie'], 'private')
    const toAlice = await app.listen(deliverNotify, { user: 'alice', room: secret }, 'alice')
    const toBob = await app.listen(deliverNotify, { user: 'bob', room: secret }, 'bob')
    const toCharlie = await app.listen(deliverNotify, { user: 'charlie' }, 'charlie')
    const toPublic = await app.listen(roomNotify, {}, 'charlie')

    const { seq } = await app.send(secret, 'between us', 'alice')
    await app.send(other, 'for charlie', 'alice')
    const open = await app.createRoom(['alice'])
    await app.send(open, 'for all', 'alice')

    expect(await toAlice.next()).toMatchObject({ user: 'alice', seq })
    expect(await toBob.next()).toMatchObject({ user: 'bob', seq })
    // The message in the secret room was sent first, but charlie's first notice is from the other
    // room: charlie received none from the secret room.
    expect(await toCharlie.next()).toMatchObject({ user: 'charlie', room: other })
    expect(await toPublic.until(({ room }) => room === open)).not.toContainEqual(
      expect.objectContaining({ room: secret }),
    )
  })

  it('stores one message for repeated calls with the same client id', async () => {
    const room = await app.createRoom(['alice'])
    const clientId = newClientId()

    const first = await app.send(room, 'once', 'alice', clientId)
    const again = await Promise.all(
      Array.from({ length: 5 }, () => app.send(room, 'once', 'alice', clientId)),
    )
    const last = await app.send(room, 'last', 'alice')

    for (const answer of again) expect(answer).toEqual(first)
    const rows = await app.waitForRows(room, 2)
    expect(rows.map(({ seq }) => seq)).toEqual([first.seq, last.seq])
  })

  it('stores one message for five concurrent calls with the same client id', async () => {
    const room = await app.createRoom(['alice'])
    const clientId = newClientId()

    const answers = await Promise.all(
      Array.from({ length: 5 }, () => app.send(room, 'once', 'alice', clientId)),
    )

    expect(new Set(answers.map(({ id, seq, at }) => `${id} ${seq} ${at}`)).size).toBe(1)
  })

  it.each([
    ['an old client id', newClientId(Date.now() - 24 * hourMs)],
    ['a client id from the future', newClientId(Date.now() + hourMs)],
    ['a client id without a time', `draft_${crypto.randomUUID()}`],
  ])(
    'returns the message in the database for a retry with %s after the duplicate window',
    async (_name, clientId) => {
      const room = await app.createRoom(['alice'])
      // This row is a message from before the duplicate window, so JetStream does not recognize the
      // call below as its duplicate.
      const row = {
        id: newMessageId(),
        room,
        seq: 1,
        sender: 'alice' as UserId,
        clientId: clientId as ClientId,
        text: 'long ago',
        at: new Date('2026-01-31T12:00:00.123Z'),
      }
      await db.insert(messages).values(row)

      const answer = await app.send(room, 'long ago', 'alice', clientId)

      expect(answer).toEqual({ id: row.id, seq: 1, at: '2026-01-31T12:00:00.123Z' })
    },
  )

  it('returns the result of the first call for a late retry, although the message was edited in between', async () => {
    const room = await app.createRoom(['alice'])
    const clientId = newClientId(Date.now() - 24 * hourMs)
    const first = await app.send(room, 'original', 'alice', clientId)
    await app.waitForRows(room, 1)
    const edit = { notifyId: toNotifyId(first), text: 'edited' }
    await app.call('msg.edit', edit, 'alice')
    const text = async () => (await app.waitForRows(room, 1))[0]?.text
    await expect.poll(text).toBe('edited')

    expect(await app.send(room, 'original', 'alice', clientId)).toEqual(first)
  })

  it('accepts the same client id from two users for two messages', async () => {
    const room = await app.createRoom(['alice', 'bob'])
    const clientId = newClientId()

    const alices = await app.send(room, 'mine', 'alice', clientId)
    const bobs = await app.send(room, 'mine', 'bob', clientId)

    expect(bobs.id).not.toBe(alices.id)
    expect(await app.waitForRows(room, 2)).toHaveLength(2)
  })

  it('rejects with `conflict` a message whose client id the sender has already used for another text or in another room', async () => {
    const room = await app.createRoom(['alice'])
    const elsewhere = await app.createRoom(['alice'])
    const clientId = newClientId()
    await app.send(room, 'this', 'alice', clientId)

    await expect(app.send(room, 'that', 'alice', clientId)).rejects.toMatchObject({
      code: 'conflict',
    })
    await expect(app.send(elsewhere, 'this', 'alice', clientId)).rejects.toMatchObject({
      code: 'conflict',
    })
  })

  it('rejects a call by a non-member with the same error as for an unknown room', async () => {
    const room = await app.createRoom(['alice'])
    const absent = newRoomId()

    await expectSameRejection((id) => app.send(id, 'let me in', 'bob'), {
      hidden: room,
      absent,
    })
  })

  it('rejects a removed member within one second, even if no event announced the removal', async () => {
    const room = await app.createRoom(['alice'])
    await app.send(room, 'still here', 'alice')
    await app.removeMember(room, 'alice')

    expect(await nextRejection(() => app.send(room, 'gone?', 'alice'))).toBe('forbidden')
  })

  it('rejects as forbidden a call by a user whose token has no role', async () => {
    const room = await app.createRoom(['charlie'])

    await expect(app.send(room, 'may I?', 'charlie')).rejects.toMatchObject({ code: 'forbidden' })
  })

  it('rejects a guest of the room as forbidden', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'public', { bob: 'guest' })

    await expect(app.send(room, 'may I?', 'bob')).rejects.toMatchObject({ code: 'forbidden' })
  })

  it('publishes a rejection with its code and message to a sender whose request has no reply subject', async () => {
    const room = newRoomId()
    const rejections = await app.listen(deliverRejected, { user: 'alice', room }, 'alice')
    const { nc, client } = await app.connectAs('alice')
    const clientId = newClientId()

    client.publish('send', { room, clientId, text: 'let me in' })
    expect(await rejections.next()).toEqual({
      user: 'alice',
      room,
      clientId,
      code: 'forbidden',
      message: `You are not a member of room ${room}`,
    })
    nc.publish(`deliver.alice.send.${room}`, '{"clientId":"a b"}')
    expect(await rejections.next()).toMatchObject({ room, code: 'invalid' })
    nc.publish(`deliver.alice.send.${room}`, 'nonsense')
    expect(await rejections.next()).toMatchObject({ room, code: 'invalid' })
  })

  it('publishes rejections of a reused client id and of an oversized message, if the requests have no reply subject', async () => {
    const room = await app.createRoom(['alice'])
    const rejections = await app.listen(deliverRejected, { user: 'alice', room }, 'alice')
    const { nc, client } = await app.connectAs('alice')
    const clientId = newClientId()
    await app.send(room, 'this', 'alice', clientId)

    client.publish('send', { room, clientId, text: 'that' })
    expect(await rejections.next()).toMatchObject({ room, clientId, code: 'conflict' })
    const long = { clientId: newClientId(), text: 'x'.repeat(8_001) }
    nc.publish(`deliver.alice.send.${room}`, JSON.stringify(long))
    expect(await rejections.next()).toMatchObject({
      room,
      clientId: long.clientId,
      code: 'too_large',
    })
  })

  it('accepts a message whose request has no reply subject', async () => {
    const room = await app.createRoom(['alice', 'bob'])
    const notices = await app.listen(roomNotify, { room }, 'bob')
    const { client } = await app.connectAs('alice')

    client.publish('send', { room, clientId: newClientId(), text: 'by the way' })

    expect(await notices.next()).toMatchObject({ event: { text: 'by the way' } })
  })

  it('rejects as forbidden a message in the name of another user', async () => {
    const room = await app.createRoom(['alice', 'bob'])
    const payload = JSON.stringify({ clientId: newClientId(), text: 'I am bob' })

    await expect(app.request(`deliver.bob.send.${room}`, payload, 'alice')).rejects.toMatchObject({
      code: 'forbidden',
    })
  })

  it('stores any valid text unchanged', async () => {
    const room = await app.createRoom(['alice'])
    const texts = ['x'.repeat(8_000), '𝕫'.repeat(4_000), ' ', '\u0001"\\\n{}', "'; drop table x"]

    for (const text of texts) await app.send(room, text, 'alice')

    const rows = await app.waitForRows(room, texts.length)
    expect(rows.map(({ text }) => text)).toEqual(texts)
  })

  it.each([
    ['an empty text', { text: '' }],
    ['a NUL', { text: 'a\0b' }],
    ['a lone surrogate', { text: 'a\ud800b' }],
    ['a lone surrogate at the end', { text: 'a\ud83d' }],
    ['a client id with a dot', { clientId: 'a.b' }],
    ['a client id of 65 characters', { clientId: 'x'.repeat(65) }],
    ['a missing client id', { clientId: undefined }],
    ['a room field', { room: 'general' }],
    ['an id field', { id: '0'.repeat(32) }],
    ['a time field', { at: '2000-01-01T00:00:00.000Z' }],
    ['a sender field', { sender: 'bob' }],
  ])('rejects %s as invalid', async (_name, wrong) => {
    const room = await app.createRoom(['alice'])
    const payload = JSON.stringify({ clientId: newClientId(), text: 'hello', ...wrong })

    const answer = await app.request(`deliver.alice.send.${room}`, payload, 'alice')

    expect(answer).toMatchObject({ status: '400', body: { code: 'invalid' } })
  })

  it.each([8_001, 30_000, 100_000])(
    'rejects a text of %i characters as too large',
    async (length) => {
      const room = await app.createRoom(['alice'])
      const payload = JSON.stringify({ clientId: newClientId(), text: 'x'.repeat(length) })

      const answer = await app.request(`deliver.alice.send.${room}`, payload, 'alice')

      expect(answer).toMatchObject({ status: '413', body: { code: 'too_large' } })
    },
  )

  it.each(badPayloads({ clientId: 'a-client-id', text: 'hello' }))(
    'rejects invalid input: %s',
    async (_name, payload) => {
      const room = await app.createRoom(['alice'])

      const { status } = await app.request(`deliver.alice.send.${room}`, payload, 'alice')

      expect(status).toMatch(/^4(00|13)$/)
    },
  )
})
