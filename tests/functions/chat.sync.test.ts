import { describe, expect, it } from 'vitest'
import {
  expectSameRejection,
  newClientId,
  newRoomId,
  nextRejection,
  useApp,
} from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'

const app = useApp()

const sync = (room: string, since: number, as: 'alice' | 'bob' = 'alice') =>
  app.call('chat.sync', { room, since }, as)

describe('chat.sync', () => {
  it('returns all events of the room and its threads after the given sequence number, in order', async () => {
    const room = await app.createRoom(['alice', 'bob'])
    const elsewhere = await app.createRoom(['alice'])
    const first = await app.send(room, 'first', 'alice')
    const second = await app.send(room, 'second', 'bob')
    await app.send(elsewhere, 'not here', 'alice')
    const reply = { room, threadId: first.id, clientId: newClientId(), text: 'a reply' }
    const third = await app.call('send.thread', reply, 'bob')
    const fourth = await app.send(room, 'fourth', 'alice')

    expect(await sync(room, first.seq)).toEqual({
      recovered: true,
      events: [
        { seq: second.seq, event: expect.objectContaining({ kind: 'message', text: 'second' }) },
        { seq: third.seq, event: expect.objectContaining({ threadId: first.id, text: 'a reply' }) },
        { seq: fourth.seq, event: expect.objectContaining({ text: 'fourth' }) },
      ],
    })
  })

  it('returns no events when the client is up to date', async () => {
    const room = await app.createRoom(['alice'])
    const { seq } = await app.send(room, 'last', 'alice')

    expect(await sync(room, seq)).toEqual({ recovered: true, events: [] })
  })

  it('returns up to 500 events, and reports recovered: false for more', async () => {
    const room = await app.createRoom(['alice'])
    const { seq: since } = await app.send(room, 'before', 'alice')
    await Promise.all(
      Array.from({ length: 500 }, (_, index) => app.send(room, `${index}`, 'alice')),
    )

    const all = await sync(room, since)
    await app.send(room, 'one more', 'alice')
    const tooMany = await sync(room, since)

    expect(all.recovered && all.events).toHaveLength(500)
    expect(tooMany).toEqual({ recovered: false })
  })

  it('reports recovered: false when the events exceed the maximum size of a response', async () => {
    const room = await app.createRoom(['alice'])
    const { seq: since } = await app.send(room, 'before', 'alice')
    const sendLong = (count: number) =>
      Promise.all(Array.from({ length: count }, () => app.send(room, 'm'.repeat(8_000), 'alice')))
    await sendLong(100)

    const all = await sync(room, since)
    await sendLong(50)
    const tooMuch = await sync(room, since)

    expect(all.recovered && all.events).toHaveLength(100)
    expect(tooMuch).toEqual({ recovered: false })
  })

  it('reports recovered: false for a sequence number beyond the end of the stream', async () => {
    const room = await app.createRoom(['alice'])
    const { seq } = await app.send(room, 'last', 'alice')

    expect(await sync(room, seq + 1_000_000)).toEqual({ recovered: false })
  })

  it('rejects a call by a non-member of a private room with the same error as for an unknown room', async () => {
    const room = await app.createRoom(['alice'], 'private')
    const absent = newRoomId()

    await expectSameRejection((id) => sync(id, 0, 'bob'), { hidden: room, absent })
  })

  it('rejects a removed member within one second, even if no event announced the removal', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private')
    await sync(room, 0, 'bob')
    await app.removeMember(room, 'bob')

    expect(await nextRejection(() => sync(room, 0, 'bob'))).toBe('forbidden')
  })

  it('rejects a kicked member immediately, although the runtime had cached the membership', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private', { alice: 'owner' })
    await sync(room, 0, 'bob')

    await app.call('room.kick', { room, userId: 'bob' }, 'alice')
    await app.send(room, 'among ourselves', 'alice')

    await expect(sync(room, 0, 'bob')).rejects.toMatchObject({ code: 'forbidden' })
  })

  it.each([-1, 0.5, Number.MAX_SAFE_INTEGER + 1, '1', null])(
    'rejects the start sequence number %s as invalid',
    async (since) => {
      const room = await app.createRoom(['alice'])

      await expect(sync(room, since as number)).rejects.toMatchObject({ code: 'invalid' })
    },
  )

  it.each(badPayloads({ since: 0 }))('rejects invalid input: %s', async (_name, payload) => {
    const room = await app.createRoom(['alice'])

    const { status } = await app.request(`as.alice.chat.sync.${room}`, payload, 'alice')

    expect(status).toMatch(/^4(00|13)$/)
  })
})
