import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { describe, expect, it } from 'vitest'
import { db } from '#schema/db'
import { type ClientId, type MessageId, toNotifyId, type UserId } from '#schema/ids'
import { deliverNotify, roomNotify } from '#schema/messages/event'
import { MSG_CACHE } from '#schema/streams'
import { messages } from '#schema/tables/message'
import { longText, newClientId, newMessageId, nextRejection, useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'

const app = useApp()

/** Makes every process evict the message from its cache in memory. */
async function publishChange(id: string) {
  const { nc } = await app.connectAs('functions')
  nc.publish(`message.changed.${id}`)
  await nc.flush()
}

describe('msg.get', () => {
  it('returns the message that a notice refers to', async () => {
    const room = await app.createRoom(['alice', 'bob'])
    const notices = await app.listen(roomNotify, { room }, 'bob')
    const clientId = newClientId()
    const { id, seq, at } = await app.send(room, 'hello', 'alice', clientId)

    const { notifyId = '' } = await notices.next()
    const message = await app.call('msg.get', { notifyId }, 'bob')

    const expected = { id, room, seq, sender: 'alice', clientId, text: 'hello', mentions: [], at }
    expect(message).toEqual(expected)
  })

  it('returns a message of a private room', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private')
    const notices = await app.listen(deliverNotify, { user: 'bob', room }, 'bob')
    await app.send(room, 'between us', 'alice')

    const { notifyId = '' } = await notices.next()
    const message = await app.call('msg.get', { notifyId }, 'bob')

    expect(message).toMatchObject({ room, text: 'between us' })
  })

  it('reads the stream when neither the memory of a process nor the bucket MSG_CACHE has the message', async () => {
    const room = await app.createRoom(['alice'])
    const { nc } = await app.connectAs('functions')
    // The test publishes the event itself: `send` would also cache the message in the memory of a
    // process.
    const id = newMessageId()
    const at = new Date().toISOString()
    const clientId = newClientId()
    const expected = { id, sender: 'alice', clientId, text: 'from the log', mentions: [], at }
    const event = JSON.stringify({ kind: 'message', ...expected })
    const { seq } = await jetstream(nc).publish(`chat.${room}`, event)

    const message = await app.call('msg.get', { notifyId: toNotifyId({ seq, id }) }, 'alice')

    expect(message).toEqual({ ...expected, room, seq })
  })

  it('reads the database when the stream no longer has the message', async () => {
    const room = await app.createRoom(['alice'])
    const row = {
      id: newMessageId(),
      room,
      seq: 3_000_000_000,
      sender: 'alice' as UserId,
      clientId: newClientId() as ClientId,
      text: 'long ago',
      at: new Date('2026-01-31T12:00:00.123Z'),
    }
    await db.insert(messages).values(row)

    const message = await app.call('msg.get', { notifyId: toNotifyId(row) }, 'alice')

    expect(message).toEqual({ ...row, mentions: [], at: '2026-01-31T12:00:00.123Z' })
  })

  it('finds a new message in the bucket MSG_CACHE only if its text is too long for a notice', async () => {
    const room = await app.createRoom(['alice'])
    const short = await app.send(room, 'short', 'alice')
    const text = longText('long')
    const { id, seq } = await app.send(room, text, 'alice')

    const cache = await app.openBucket(MSG_CACHE)
    const entry = async () => (await cache.get(id))?.json()

    await expect.poll(entry).toMatchObject({ id, room, seq, text })
    expect(await cache.get(short.id)).toBeNull()
  })

  it('finds no message in the bucket MSG_CACHE if fanout published the message more than 5 s after it was sent', async () => {
    const room = await app.createRoom(['alice'])
    const { nc } = await app.connectAs('functions')
    const id = newMessageId()
    const at = new Date(Date.now() - 10_000).toISOString()
    const text = longText('late')
    const message = { id, sender: 'alice', clientId: newClientId(), text, mentions: [], at }
    await jetstream(nc).publish(`chat.${room}`, JSON.stringify({ kind: 'message', ...message }))
    const next = await app.send(room, longText('next'), 'alice')

    const cache = await app.openBucket(MSG_CACHE)

    await expect.poll(() => cache.get(next.id)).not.toBeNull()
    expect(await cache.get(id)).toBeNull()
  })

  it('returns the state after edits and deletions even when the bucket MSG_CACHE no longer has the message', async () => {
    const room = await app.createRoom(['alice', 'bob'])
    const cache = await app.openBucket(MSG_CACHE)
    const [edited, deleted] = [
      await app.send(room, 'first', 'alice'),
      await app.send(room, 'a secret', 'alice'),
    ]
    const edit = { notifyId: toNotifyId(edited), text: 'second' }
    const { seq } = await app.call('msg.edit', edit, 'alice')
    await app.call('msg.delete', { notifyId: toNotifyId(deleted) }, 'alice')
    const arePersisted = async () =>
      (await app.waitForRows(room, 2)).every(({ editedSeq }) => editedSeq)
    await expect.poll(arePersisted).toBe(true)
    for (const { id } of [edited, deleted]) {
      await cache.delete(id)
      await publishChange(id)
    }

    const get = (sent: typeof edited) => app.call('msg.get', { notifyId: toNotifyId(sent) }, 'bob')

    // The calls are repeated: for up to half a second, a process may use an earlier read of the
    // stream, which lacks the edit or the deletion.
    await expect
      .poll(() => get(edited))
      .toMatchObject({ ...edited, text: 'second', editedSeq: seq })
    await expect.poll(() => get(deleted)).toMatchObject({ ...deleted, text: '', mentions: [] })
  })

  it('returns a message to a user without a role', async () => {
    const room = await app.createRoom(['alice', 'charlie'])
    const sent = await app.send(room, 'for all', 'alice')

    const message = await app.call('msg.get', { notifyId: toNotifyId(sent) }, 'charlie')

    expect(message.text).toBe('for all')
  })

  it('rejects calls no later than one second after the room was archived', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'public', { alice: 'owner' })
    const notifyId = toNotifyId(await app.send(room, 'hello', 'alice'))
    await app.call('msg.get', { notifyId }, 'bob')
    await app.call('room.archive', { room, archived: true }, 'alice')

    expect(await nextRejection(() => app.call('msg.get', { notifyId }, 'bob'))).toBe('forbidden')
  })

  it('rejects a call by a non-member with the same error as for an unknown message', async () => {
    const room = await app.createRoom(['alice'], 'private')
    const { id, seq } = await app.send(room, 'between us', 'alice')
    const notifyId = toNotifyId({ seq, id: id as MessageId })
    const absent = toNotifyId({ seq, id: newMessageId() })
    const get = (id: string) => app.call('msg.get', { notifyId: id }, 'bob').catch((error) => error)

    const [onHidden, onAbsent] = [await get(notifyId), await get(absent)]

    expect(onHidden).toMatchObject({ code: 'forbidden' })
    expect(onHidden.message).not.toContain(room)
    expect(onAbsent.code).toBe(onHidden.code)
    expect(onAbsent.message.replace(absent, notifyId)).toBe(onHidden.message)
  })

  it('rejects a removed member within one second, even if no event announced the removal', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private')
    const { id, seq } = await app.send(room, 'hello', 'alice')
    const notifyId = toNotifyId({ seq, id: id as MessageId })
    await app.call('msg.get', { notifyId }, 'bob')
    await app.removeMember(room, 'bob')

    expect(await nextRejection(() => app.call('msg.get', { notifyId }, 'bob'))).toBe('forbidden')
  })

  it('rejects a notify id with an existing sequence number and an unknown message id', async () => {
    const room = await app.createRoom(['alice'])
    const { seq } = await app.send(room, 'hello', 'alice')

    await expect(
      app.call('msg.get', { notifyId: toNotifyId({ seq, id: newMessageId() }) }, 'alice'),
    ).rejects.toMatchObject({ code: 'forbidden' })
  })

  it('rejects a notify id with the id of one message and the sequence number of another', async () => {
    const room = await app.createRoom(['alice'])
    const first = await app.send(room, 'first', 'alice')
    const second = await app.send(room, 'second', 'alice')
    const get = (seq: number) =>
      app.call('msg.get', { notifyId: toNotifyId({ seq, id: first.id }) }, 'alice')
    expect(await get(first.seq)).toMatchObject({ text: 'first' })

    await expect(get(second.seq)).rejects.toMatchObject({ code: 'forbidden' })
  })

  it('rejects a notify id with the sequence number of an event that is not a message', async () => {
    const { nc } = await app.connectAs('functions')
    const { seq } = await jetstream(nc).publish('chat.general.thread.one', '{}')

    await expect(
      app.call('msg.get', { notifyId: toNotifyId({ seq, id: newMessageId() }) }, 'alice'),
    ).rejects.toMatchObject({ code: 'forbidden' })
    const manager = await jetstreamManager(nc)
    await manager.streams.deleteMessage('CHAT_MESSAGES', seq)
  })

  it.each(['', 'x', '1-', '-1', `0-${'g'.repeat(32)}`, `zzzzzzzzzzz-${'0'.repeat(32)}`])(
    'rejects "%s", which is not a notify id, as invalid',
    async (notifyId) => {
      await expect(app.call('msg.get', { notifyId }, 'alice')).rejects.toMatchObject({
        code: 'invalid',
      })
    },
  )

  it.each(badPayloads({ notifyId: toNotifyId({ seq: 1, id: newMessageId() }) }))(
    'rejects invalid input: %s',
    async (_name, payload) => {
      const { status } = await app.request('as.alice.msg.get', payload, 'alice')

      expect(status).toMatch(/^4(00|13)$/)
    },
  )
})
