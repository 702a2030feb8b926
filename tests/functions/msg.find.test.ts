import { describe, expect, it } from 'vitest'
import { db } from '#schema/db'
import { type ClientId, toNotifyId, type UserId } from '#schema/ids'
import { messages } from '#schema/tables/message'
import {
  expectSameRejection,
  newClientId,
  newMessageId,
  nextRejection,
  useApp,
} from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'

const app = useApp()

describe('msg.find', () => {
  it('returns the sequence number of a message by its id', async () => {
    const room = await app.createRoom(['alice', 'bob'])
    const { id, seq } = await app.send(room, 'here', 'alice')

    await expect.poll(() => app.call('msg.find', { room, id }, 'bob')).toEqual({ seq })
  })

  it('returns the sequence number and the thread of a reply', async () => {
    const room = await app.createRoom(['alice', 'bob'])
    const first = await app.send(room, 'shall we?', 'alice')
    const input = { room, threadId: first.id, clientId: newClientId(), text: 'we shall' }
    const { id, seq } = await app.call('send.thread', input, 'bob')

    await expect
      .poll(() => app.call('msg.find', { room, id }, 'alice'))
      .toEqual({ seq, thread: { id: first.id, seq: first.seq } })
  })

  it('returns the sequence number of a deleted message', async () => {
    const room = await app.createRoom(['alice'])
    const sent = await app.send(room, 'a mistake', 'alice')
    await app.call('msg.delete', { notifyId: toNotifyId(sent) }, 'alice')

    const answer = await app.call('msg.find', { room, id: sent.id }, 'alice')

    expect(answer).toEqual({ seq: sent.seq })
  })

  it('rejects a message of another room with the same error as for an unknown message', async () => {
    const [room, other] = [await app.createRoom(['alice']), await app.createRoom(['alice', 'bob'])]
    const { id } = await app.send(room, 'between us', 'alice')
    const absent = newMessageId()
    await expectSameRejection((id) => app.call('msg.find', { room: other, id }, 'bob'), {
      hidden: id,
      absent,
      code: 'not_found',
    })
  })

  it('rejects a message of another room even if the stream no longer has the message', async () => {
    const [room, other] = [await app.createRoom(['alice']), await app.createRoom(['alice', 'bob'])]
    const id = newMessageId()
    await db.insert(messages).values({
      id,
      room,
      seq: 3_000_000_001,
      sender: 'alice' as UserId,
      clientId: newClientId() as ClientId,
      text: 'long ago',
      at: new Date('2026-01-31T12:00:00.123Z'),
    })

    await expect(app.call('msg.find', { room: other, id }, 'bob')).rejects.toMatchObject({
      code: 'not_found',
    })
    expect(await app.call('msg.find', { room, id }, 'alice')).toEqual({ seq: 3_000_000_001 })
  })

  it('rejects a non-member of a private room as forbidden', async () => {
    const room = await app.createRoom(['alice'], 'private')
    const { id } = await app.send(room, 'between us', 'alice')

    await expect(app.call('msg.find', { room, id }, 'bob')).rejects.toMatchObject({
      code: 'forbidden',
    })
  })

  it('rejects a kicked member within one second', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private', { alice: 'owner' })
    const { id, seq } = await app.send(room, 'between us', 'alice')
    const find = () => app.call('msg.find', { room, id }, 'bob')
    await expect.poll(() => find().catch(({ code }) => code)).toEqual({ seq })

    await app.call('room.kick', { room, userId: 'bob' }, 'alice')

    expect(await nextRejection(find)).toBe('forbidden')
  })

  it.each(badPayloads({ id: newMessageId() }))(
    'rejects invalid input: %s',
    async (_name, payload) => {
      const room = await app.createRoom(['alice'])

      const { status } = await app.request(`as.alice.msg.find.${room}`, payload, 'alice')

      expect(status).toMatch(/^4(00|13)$/)
    },
  )
})
