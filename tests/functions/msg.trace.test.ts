import { describe, expect, it } from 'vitest'
import { type NotifyId, type RoomId, toNotifyId } from '#schema/ids'
import { newClientId, nextRejection, type TestPerson, useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'
import { newTrace, tracedClient } from '../support/tracing.ts'

const app = useApp()

const trace = (notifyId: NotifyId, as: TestPerson) => app.call('msg.trace', { notifyId }, as)

async function sendTraced(room: RoomId, traceparent: string, as: TestPerson = 'bob') {
  const client = await tracedClient(app, as, traceparent)
  return client.call('send', { room, clientId: newClientId(), text: 'followed' })
}

async function readSpanNames(notifyId: NotifyId, as: TestPerson = 'bob') {
  return (await trace(notifyId, as)).spans.map(({ name }) => name)
}

describe('msg.trace', () => {
  it('returns the spans of a message, from the function `send` to the stream, fanout and persistence', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private')
    const sent = await sendTraced(room, newTrace().traceparent)
    const notifyId = toNotifyId(sent)

    await expect
      .poll(() => readSpanNames(notifyId))
      .toEqual(expect.arrayContaining(['send', 'chat.{room}', 'fanout', 'persist']))
    const { at, storedAt, writtenAt, spans } = await trace(notifyId, 'bob')
    expect(at).toBe(sent.at)
    expect(Date.parse(storedAt ?? '') - Date.parse(at)).toBeGreaterThanOrEqual(-1)
    expect(Date.parse(at) - Date.parse(writtenAt ?? '')).toBeLessThan(10_000)
    const send = spans.find(({ name }) => name === 'send')
    expect(send).toMatchObject({ version: '1.0.0', kind: 'request' })
    for (const name of ['chat.{room}', 'fanout', 'persist'])
      expect(spans.find((span) => span.name === name)).toMatchObject({ parent: send?.id })
  })

  it('returns the spans of a reply in a thread', async () => {
    const room = await app.createRoom(['bob'])
    const first = await app.send(room, 'a thread', 'bob')
    const client = await tracedClient(app, 'bob', newTrace().traceparent)
    const input = { room, threadId: first.id, clientId: newClientId(), text: 'followed' }
    const reply = await client.call('send.thread', input)

    await expect
      .poll(() => readSpanNames(toNotifyId(reply)))
      .toEqual(expect.arrayContaining(['send.thread', 'fanout.thread', 'persist.thread']))
  })

  it('returns the time of storage and no spans for an untraced message', async () => {
    const room = await app.createRoom(['bob'])
    const sent = await app.send(room, 'untraced', 'bob')

    const { storedAt, spans } = await trace(toNotifyId(sent), 'bob')

    expect(storedAt).toBeDefined()
    expect(spans).toEqual([])
  })

  it('returns neither the time of storage nor spans for a deleted message', async () => {
    const room = await app.createRoom(['bob'])
    const sent = await sendTraced(room, newTrace().traceparent)
    await app.call('msg.delete', { notifyId: toNotifyId(sent) }, 'bob')

    await expect.poll(async () => (await trace(toNotifyId(sent), 'bob')).storedAt).toBeUndefined()
    expect((await trace(toNotifyId(sent), 'bob')).spans).toEqual([])
  })

  it('returns no spans of other messages that share the trace id', async () => {
    const room = await app.createRoom(['alice', 'bob'])
    const { traceparent } = newTrace()
    const ofBob = toNotifyId(await sendTraced(room, traceparent))
    const ofAlice = toNotifyId(await sendTraced(room, traceparent, 'alice'))
    await expect.poll(() => readSpanNames(ofAlice, 'alice')).toContain('persist')
    await expect.poll(() => readSpanNames(ofBob)).toContain('persist')

    const [bobsTrace, alicesTrace] = [await trace(ofBob, 'bob'), await trace(ofAlice, 'alice')]

    const ids = new Set(bobsTrace.spans.map(({ id }) => id))
    expect(alicesTrace.spans.filter(({ id }) => ids.has(id))).toEqual([])
    expect(bobsTrace.spans.filter(({ name }) => name === 'send')).toHaveLength(1)
  })

  it('rejects everyone except the sender, even the owner of the room and an administrator', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private', { alice: 'owner' })
    const notifyId = toNotifyId(await sendTraced(room, newTrace().traceparent))

    await expect(trace(notifyId, 'alice')).rejects.toMatchObject({
      code: 'forbidden',
      message: `Only bob may read the trace of message ${notifyId}`,
    })
  })

  it('rejects a call by a non-member with the same error as for an unknown message', async () => {
    const room = await app.createRoom(['bob'], 'private')
    const notifyId = toNotifyId(await sendTraced(room, newTrace().traceparent))
    const absent = `1-${'0'.repeat(32)}` as NotifyId

    for (const id of [notifyId, absent]) {
      const rejection = await trace(id, 'alice').catch((error) => error)
      expect(rejection).toMatchObject({ code: 'forbidden' })
      expect(rejection.message).toBe(`There is no message ${id} that you may read`)
    }
  })

  it('rejects a kicked sender within one second', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'private', { alice: 'owner' })
    const notifyId = toNotifyId(await sendTraced(room, newTrace().traceparent))
    await trace(notifyId, 'bob')

    await app.call('room.kick', { room, userId: 'bob' }, 'alice')

    expect(await nextRejection(() => trace(notifyId, 'bob'))).toBe('forbidden')
  })

  it('rejects charlie, who has no role, as forbidden', async () => {
    const notifyId = `1-${'0'.repeat(32)}` as NotifyId
    await expect(trace(notifyId, 'charlie')).rejects.toMatchObject({ code: 'forbidden' })
  })

  it.each(badPayloads({ notifyId: `1-${'0'.repeat(32)}` }))(
    'rejects invalid input: %s',
    async (_name, payload) => {
      const { status } = await app.request('as.bob.msg.trace', payload, 'bob')
      expect(status).toMatch(/^4(00|13)$/)
    },
  )
})
