import { jetstreamManager } from '@nats-io/jetstream'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { closeDb } from '#schema/db'
import { type MessageId, type RoomId, toNotifyId } from '#schema/ids'
import { roomNotify } from '#schema/messages/event'
import { CHAT_MESSAGES, MSG_CACHE } from '#schema/streams'
import { type App, createApp, longText, newClientId, newMessageId } from '../support/app.ts'
import { type DatabaseKind, type Servers, startServers } from '../support/servers.ts'

describe.each<DatabaseKind>(['postgres', 'pglite'])('with unpersisted events, on %s,', (kind) => {
  let servers: Servers
  let app: App

  beforeAll(async () => {
    servers = await startServers(kind)
    process.env.DATABASE_URL = servers.urls.databaseUrl
    app = createApp(servers.urls)
  })
  afterAll(async () => {
    await app?.[Symbol.asyncDispose]()
    await closeDb()
    await servers?.[Symbol.asyncDispose]()
  })

  async function pause(name: 'persist' | 'persist-thread') {
    const { nc } = await app.connectAs('functions')
    const { consumers } = await jetstreamManager(nc)
    const { stream } = CHAT_MESSAGES
    await waitUntilHandled(name)
    await consumers.pause(stream, name, new Date(Date.now() + 3_600_000))
  }

  async function waitUntilHandled(name: 'persist' | 'persist-thread') {
    const { nc } = await app.connectAs('functions')
    const { consumers } = await jetstreamManager(nc)
    await vi.waitUntil(async () => {
      const { num_pending, num_ack_pending } = await consumers.info(CHAT_MESSAGES.stream, name)
      return num_pending + num_ack_pending === 0
    }, polling)
  }

  /**
   * Appends the event to CHAT_MESSAGES, but publishes nothing else, like a process that crashes
   * right after the append.
   */
  async function append(room: RoomId, event: object): Promise<number> {
    const { nc } = await app.connectAs('functions')
    const reply = await nc.request(`chat.${room}`, JSON.stringify(event), { timeout: 5_000 })
    return reply.json<{ seq: number }>().seq
  }

  it('chat.history returns an asOf below the sequence numbers of replies that it has not counted', async () => {
    const room = await app.createRoom(['alice'])
    const first = await app.send(room, 'first', 'alice')
    await pause('persist-thread')
    const answer = { room, threadId: first.id, clientId: newClientId(), text: 'a reply' }
    const reply = await app.call('send.thread', answer, 'alice')
    await app.send(room, 'later', 'alice')
    await app.waitForRows(room, 2)
    await waitUntilHandled('persist')

    const { messages, asOf } = await app.call('chat.history', { room }, 'alice')

    expect(messages).not.toMatchObject([{ replies: { count: 1 } }, {}])
    expect(asOf).toBeLessThan(reply.seq)
  })

  it('MSG_CACHE does not store a message that is broadcast a minute late', async () => {
    const room = await app.createRoom(['alice', 'bob'])
    const mailbox = await app.listen(roomNotify, { room }, 'bob')
    const cache = await app.openBucket(MSG_CACHE)
    const id = newMessageId()
    const sent = { kind: 'message', id, sender: 'alice', clientId: newClientId(), mentions: [] }
    const at = new Date(Date.now() - 60_000).toISOString()

    const seq = await append(room, { ...sent, text: longText('long ago'), at })
    await mailbox.until((notice) => notice.seq === seq)
    const next = await app.send(room, longText('now'), 'alice')
    await expect.poll(() => cache.get(next.id)).not.toBeNull()

    expect(await cache.get(id)).toBeNull()
    const read = await app.call('msg.get', { notifyId: toNotifyId({ seq, id }) }, 'bob')
    expect(read).toMatchObject({ text: longText('long ago') })
  })

  describe('when MSG_CACHE does not have the message', () => {
    let room: RoomId
    let persisted: SentMessage

    beforeAll(async () => {
      room = await app.createRoom(['alice', 'bob'])
      persisted = await send('a mistake')
      await app.waitForRows(room, 1)
      await pause('persist')
    })

    async function send(text: string) {
      const clientId = newClientId()
      const sent = await app.send(room, text, 'alice', clientId)
      return { ...sent, clientId, notifyId: toNotifyId(sent) }
    }
    type SentMessage = Awaited<ReturnType<typeof send>>

    it.each([
      ['that is persisted', () => persisted],
      ['that is only in CHAT_MESSAGES', () => send('a mistake')],
    ])('msg.get returns the latest edit of a message %s', async (_, create) => {
      const { id, notifyId } = await create()
      await app.call('msg.edit', { notifyId, text: 'less of one' }, 'alice')
      const { seq } = await app.call('msg.edit', { notifyId, text: 'none' }, 'alice')
      await (await app.openBucket(MSG_CACHE)).purge(id)

      const read = () => app.call('msg.get', { notifyId }, 'alice')

      // For up to half a second, the runtime may have cached that all events are persisted. It then
      // does not look for edits in CHAT_MESSAGES.
      const newest = { text: 'none', editedSeq: seq, editedAt: expect.any(String) }
      await expect.poll(read).toMatchObject(newest)
      expect(await read()).toMatchObject(newest)
    })

    it('msg.find and send.thread find a message that is only in CHAT_MESSAGES', async () => {
      const first = await send('a question')
      const answer = { room, threadId: first.id, clientId: newClientId(), text: 'an answer' }
      const find = (id: MessageId) => app.call('msg.find', { room, id }, 'bob')

      expect(await find(first.id)).toEqual({ seq: first.seq })
      const reply = await app.call('send.thread', answer, 'alice')

      const thread = { id: first.id, seq: first.seq }
      expect(await find(reply.id)).toEqual({ seq: reply.seq, thread })
      const absent = newMessageId()
      await expect(find(absent)).rejects.toMatchObject({ code: 'not_found' })
    })

    it('no function returns the text of a deleted message that is still in CHAT_MESSAGES', async () => {
      const { id, seq, at, clientId, notifyId } = await send('a secret')
      await app.call('msg.edit', { notifyId, text: 'a worse secret' }, 'alice')
      await app.call('msg.react', { notifyId, emoji: '👍' }, 'bob')
      const message = { notifyId, sender: 'alice', clientId, at }
      await append(room, { kind: 'delete', by: 'alice', at, message })
      await (await app.openBucket(MSG_CACHE)).purge(id)

      const missed = await app.call('chat.sync', { room, since: seq - 1 }, 'bob')
      // `append` published no `message.changed`, so the runtime may return a cached text until it
      // expires.
      const read = () => app.call('msg.get', { notifyId }, 'bob')
      await expect.poll(read).toMatchObject({ text: '', deletedAt: at })
      expect(await app.readLog(seq)).not.toBeNull()
      await app.call('msg.delete', { notifyId }, 'alice')

      const kinds = missed.recovered && missed.events.map(({ event }) => event.kind)
      expect(kinds).toEqual(['react', 'delete'])
      expect(await app.readLog(seq)).toBeNull()
    })
  })
})

const polling = { timeout: 60_000 }
