import { connect } from '@nats-io/transport-node'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { closeDb } from '#schema/db'
import { toNotifyId } from '#schema/ids'
import { deliverNotify, roomNotify } from '#schema/messages/event'
import { MSG_CACHE } from '#schema/streams'
import { type App, createApp, newClientId } from '../support/app.ts'
import { expectChain } from '../support/notices.ts'
import { type DatabaseKind, type Servers, startServers } from '../support/servers.ts'
import { lockMessages } from '../support/table-lock.ts'
import { fetchAccessToken } from '../support/tokens.ts'

describe.each<DatabaseKind>(['postgres', 'pglite'])('messages, on %s', (kind) => {
  let servers: Servers
  let app: App

  beforeAll(async () => {
    servers = await startServers(kind)
    process.env.DATABASE_URL = servers.urls.databaseUrl
  })
  beforeEach(() => {
    app = createApp(servers.urls)
    return () => app[Symbol.asyncDispose]()
  })
  afterAll(async () => {
    await closeDb()
    await servers?.[Symbol.asyncDispose]()
  })

  it('are not lost when the runtime is killed before they are persisted', async () => {
    const room = await app.createRoom(['alice'])
    // Log in first: a user's first login needs the database, and the lock below blocks all queries
    // of PGlite.
    await app.connectAs('alice')
    const release = await lockMessages()

    const answers = []
    for (let index = 0; index < 20; index++) answers.push(await app.send(room, `${index}`, 'alice'))
    await servers.runtime.kill('SIGKILL')
    await release()
    await servers.runtime.restart()
    answers.push(await app.send(room, 'last', 'alice'))
    await app.waitForRows(room, 1)

    // Events that the killed runtime did not acknowledge are redelivered with a delay. Until they
    // are persisted, `asOf` is below their sequence numbers, and `chat.sync` returns them.
    const { messages, asOf } = await app.call('chat.history', { room }, 'alice')
    const since = await app.call('chat.sync', { room, since: asOf }, 'alice')
    const missed = since.recovered ? since.events : []
    const sequences = new Set([...messages, ...missed].map(({ seq }) => seq))
    expect(answers.filter(({ seq }) => !sequences.has(seq))).toEqual([])
    const rows = await app.waitForRows(room, 21)
    expect(rows.map(({ id, seq }) => ({ id, seq }))).toEqual(
      answers.map(({ id, seq }) => ({ id, seq })),
    )
  }, 120_000)

  it('can be read and edited while the database does not answer', async () => {
    const room = await app.createRoom(['alice', 'bob'])
    const notifyId = toNotifyId(await app.send(room, 'a mistake', 'alice'))
    await app.waitForRows(room, 1)
    await app.connectAs('bob')
    const release = await lockMessages('access exclusive')

    await app.call('msg.edit', { notifyId, text: 'corrected' }, 'alice')
    const { text } = await app.call('msg.get', { notifyId }, 'bob')
    await release()

    expect(text).toBe('corrected')
  })

  it('are stored once when a client retries after a crash', async () => {
    const room = await app.createRoom(['alice'])
    const clientId = newClientId()
    const first = await app.send(room, 'once', 'alice', clientId)
    await app.waitForRows(room, 1)

    await servers.runtime.kill('SIGKILL')
    await servers.runtime.restart()
    const again = await app.send(room, 'once', 'alice', clientId)
    const last = await app.send(room, 'last', 'alice')

    expect(again).toEqual(first)
    const rows = await app.waitForRows(room, 2)
    expect(rows.map(({ seq }) => seq)).toEqual([first.seq, last.seq])
  }, 120_000)

  it('are sent, edited, deleted and published while the database is unavailable', async () => {
    const room = await app.createRoom(['alice', 'bob'])
    const secret = await app.createRoom(['alice', 'bob'], 'private')
    const mailbox = await app.listen(roomNotify, { room }, 'bob')
    const toBob = await app.listen(deliverNotify, { user: 'bob', room: secret }, 'bob')
    await servers.database.kill('SIGKILL')

    const sent = await app.send(room, 'said without it', 'alice')
    const privateMessage = await app.send(secret, 'said without it', 'alice')
    const deleted = toNotifyId(await app.send(room, 'a secret', 'alice'))
    const edited = { notifyId: toNotifyId(sent), text: 'edited without it' }
    const edit = await app.call('msg.edit', edited, 'alice')
    await app.call('msg.edit', { notifyId: deleted, text: 'a worse secret' }, 'alice')
    await app.call('msg.delete', { notifyId: deleted }, 'alice')

    const notices = await mailbox.until(({ kind }) => kind === 'delete')
    expectChain(notices)
    expect(notices.map(({ kind }) => kind)).toEqual([
      'message',
      'message',
      'edit',
      'edit',
      'delete',
    ])
    expect(await toBob.next()).toMatchObject({ seq: privateMessage.seq })
    const read = (notifyId: string) => app.call('msg.get', { notifyId }, 'bob')
    expect(await read(edited.notifyId)).toMatchObject({ text: edited.text, editedSeq: edit.seq })
    expect(await read(deleted)).toMatchObject({ text: '' })
    // The deletion is not persisted yet, so `chat.sync` must apply it from the stream.
    const missed = await app.call('chat.sync', { room, since: sent.seq - 1 }, 'bob')
    expect(JSON.stringify(missed)).not.toContain('secret')

    await servers.database.restart()
    const rows = await app.waitForRows(room, 2)
    expect(rows.map(({ text }) => text)).toEqual([edited.text, ''])
    expect(await app.waitForRows(secret, 1)).toMatchObject([{ seq: privateMessage.seq }])
  }, 60_000)

  it('make calls fail with unavailable, not with not_found, if only the unavailable database has them', async () => {
    const room = await app.createRoom(['alice'])
    const { id, seq } = await app.send(room, 'long ago', 'alice')
    await app.waitForRows(room, 1)
    await servers.database.kill('SIGKILL')

    const clientId = newClientId()
    const reply = () =>
      app.call('send.thread', { room, threadId: id, clientId, text: 'under it' }, 'alice')
    const find = () => app.call('msg.find', { room, id }, 'alice')
    const read = () => app.call('chat.history', { room }, 'alice')
    const rejections = await Promise.all(
      [reply, find, read].map((call) => call().catch((error) => error)),
    )

    for (const rejection of rejections)
      expect(rejection).toMatchObject({ code: 'unavailable', retryAfterMs: expect.any(Number) })
    await servers.database.restart()
    const seqOf = (call: () => Promise<{ seq: number }>) => call().catch(({ code }) => code)
    await expect.poll(() => seqOf(find), reconnection).toEqual({ seq })
    expect(await reply()).toMatchObject({ seq: expect.any(Number) })
  }, 60_000)

  it('stay deleted when they were deleted while the database was unavailable', async () => {
    const room = await app.createRoom(['alice', 'bob'])
    const first = await app.send(room, 'a question', 'alice')
    const deleted = await app.send(room, 'a secret', 'alice')
    const answer = { room, threadId: first.id, clientId: newClientId(), text: 'a secret answer' }
    const reply = await app.call('send.thread', answer, 'alice')
    const edited = toNotifyId(await app.send(room, 'a mistake', 'alice'))
    await app.waitForRows(room, 4)
    await servers.database.kill('SIGKILL')
    await app.call('msg.edit', { notifyId: edited, text: 'another secret' }, 'alice')
    for (const sent of [deleted, reply])
      await app.call('msg.delete', { notifyId: toNotifyId(sent) }, 'alice')

    // `persist` receives the deletions again only after half a minute, so the runtime must read
    // them from CHAT_MESSAGES.
    await servers.runtime.kill('SIGKILL')
    await servers.database.restart()
    const cache = await app.openBucket(MSG_CACHE)
    for (const { id } of [deleted, reply]) await cache.purge(id)
    await servers.runtime.restart()
    // The edit is not persisted yet, so `msg.delete` must find it in CHAT_MESSAGES and purge it.
    await app.call('msg.delete', { notifyId: edited }, 'alice')
    const read = async () => [
      await app.call('chat.history', { room }, 'bob'),
      await app.call('chat.sync', { room, since: first.seq - 1 }, 'bob'),
      await app.call('chat.history.thread', { room, threadId: first.id }, 'bob'),
      await app.call('msg.get', { notifyId: toNotifyId(deleted) }, 'bob'),
      await app.call('msg.versions', { notifyId: toNotifyId(reply) }, 'alice'),
    ]
    const answers = await read()
    for (const _ of Array.from({ length: 20 })) answers.push(...(await read()))

    expect(JSON.stringify(answers)).not.toContain('secret')
    expect(answers[0]).toMatchObject({
      messages: [
        { text: 'a question' },
        { id: deleted.id, text: '', deletedAt: expect.any(String) },
        { text: '', deletedAt: expect.any(String) },
      ],
    })
  }, 120_000)

  it('can be sent and edited again after NATS was killed and restarted', async () => {
    const room = await app.createRoom(['alice', 'bob'])
    const before = await app.send(room, 'before', 'alice')

    await servers.nats.kill('SIGKILL')
    await servers.nats.restart()

    // The restart closed all connections and deleted the in-memory buckets, so wait until a user
    // can connect again.
    await expect.poll(tryToConnect, reconnection).toBe('connected')
    await using later = createApp(servers.urls)
    const send = () =>
      later.send(room, 'after', 'alice', clientId).catch(({ code }) => ({ id: code }))
    const clientId = newClientId()
    await expect.poll(send, reconnection).toMatchObject({ seq: expect.any(Number) })
    const edit = { notifyId: toNotifyId(before), text: 'edited after' }
    await expect
      .poll(() => later.call('msg.edit', edit, 'alice').catch(({ code }) => code), reconnection)
      .toMatchObject({ seq: expect.any(Number) })
    const cache = await later.openBucket(MSG_CACHE)
    await expect.poll(async () => (await cache.get(before.id))?.string()).toContain(edit.text)
    const { notifyId } = edit
    expect(await later.call('msg.get', { notifyId }, 'bob')).toMatchObject({ text: edit.text })
    const texts = async () => (await later.waitForRows(room, 2)).map(({ text }) => text)
    await expect.poll(texts).toEqual(['edited after', 'after'])
  }, 60_000)

  /**
   * Tries to connect only once, because its caller repeats the attempt. With reconnects, nats.js
   * would wait for its timeout if the server closed the first connection.
   */
  async function tryToConnect() {
    const token = await fetchAccessToken(servers.urls.issuer, 'alice')
    const options = { servers: servers.urls.nats, token, reconnect: false }
    return connect(options).then((nc) => nc.close().then(() => 'connected'), String)
  }
})

const reconnection = { timeout: 20_000, interval: 200 }
