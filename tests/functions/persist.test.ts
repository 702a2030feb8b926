import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { closeDb, db } from '#schema/db'
import { type NotifyId, readNotifyId, toNotifyId } from '#schema/ids'
import { CHAT_MESSAGES } from '#schema/streams'
import { messages, messageVersions, reactions, roomHeads } from '#schema/tables/message'
import { type App, createApp, newClientId, newMessageId } from '../support/app.ts'
import { type Servers, startServers } from '../support/servers.ts'

let servers: Servers
let app: App

beforeAll(async () => {
  servers = await startServers(inject('servers').database)
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

describe('persist', () => {
  it('stores a message with the sequence number and the time that its sender received', async () => {
    const room = await app.createRoom(['alice'])
    const clientId = newClientId()

    const { id, seq, at } = await app.send(room, 'hello', 'alice', clientId)

    expect(await app.waitForRows(room, 1)).toEqual([
      {
        id,
        room,
        seq,
        threadId: '',
        sender: 'alice',
        clientId,
        text: 'hello',
        mentions: [],
        card: null,
        at: new Date(at),
        editedSeq: null,
        editedAt: null,
        deletedAt: null,
      },
    ])
  })

  it('stores a thousand concurrent messages in order', async () => {
    const room = await app.createRoom(['alice', 'bob'])

    const answers = await Promise.all(
      Array.from({ length: 1_000 }, (_, index) =>
        app.send(room, `${index}`, index % 2 ? 'alice' : 'bob'),
      ),
    )

    const rows = await app.waitForRows(room, 1_000)
    const expectedRows = answers.toSorted((a, b) => a.seq - b.seq)
    expect(rows.map(({ id, seq, at }) => ({ id, seq, at: at.toISOString() }))).toEqual(expectedRows)
  })

  it('continues after events that it cannot store, and writes an invalid event to the dead letters', async () => {
    const room = await app.createRoom(['alice'])
    const { nc } = await app.connectAs('functions')
    const log = jetstream(nc)
    const manager = await jetstreamManager(nc)
    const countDeadLetters = async () => (await manager.streams.info(deadLetters)).state.messages
    const before = await countDeadLetters()

    const first = await app.send(room, 'before', 'alice')
    await log.publish(`chat.${room}`, '{"kind":"nonsense"}')
    const nulEvent = { ...newEvent(), text: 'a\0b' }
    await log.publish(`chat.${room}`, JSON.stringify(nulEvent))
    const last = await app.send(room, 'after', 'alice')

    const rows = await app.waitForRows(room, 2)
    expect(rows.map(({ seq }) => seq)).toEqual([first.seq, last.seq])
    const missed = await app.call('chat.sync', { room, since: first.seq }, 'alice')
    expect(missed).toMatchObject({ recovered: true, events: [{}, { seq: last.seq }] })
    // The invalid event becomes a dead letter at once. The event with NUL, which PostgreSQL cannot
    // store, becomes one only after redeliveries.
    await expect.poll(countDeadLetters).toBe(before + 1)
    const letter = await manager.streams.getMessage(deadLetters, { last_by_subj: 'dead.persist' })
    expect(letter?.header.get('Natter-Subject')).toBe(`chat.${room}`)
    expect(letter?.header.get('Natter-Reason')).toMatch(/kind/)
    expect(letter?.string()).toBe('{"kind":"nonsense"}')
  })

  it('applies an edit and a deletion even if msg.edit and msg.delete crashed right after storing the event', async () => {
    const room = await app.createRoom(['alice', 'bob'])
    const [edited, deleted] = [
      toNotifyId(await app.send(room, 'first', 'alice')),
      toNotifyId(await app.send(room, 'a secret', 'alice')),
    ]
    const [, { clientId, at: sentAt } = {}] = await app.waitForRows(room, 2)
    const read = async (notifyId: string) => (await app.call('msg.get', { notifyId }, 'bob')).text
    const { nc } = await app.connectAs('functions')
    const log = jetstream(nc)

    // Publish only the events, like a function that crashes right after it has published its event.
    const at = new Date().toISOString()
    const change = { by: 'alice', at, room }
    const edit = { ...change, kind: 'edit', text: 'second', mentions: [] }
    await log.publish(`chat.${room}`, JSON.stringify({ ...edit, message: { notifyId: edited } }))
    const target = { notifyId: deleted, sender: 'alice', clientId, at: sentAt }
    await log.publish(
      `chat.${room}`,
      JSON.stringify({ ...change, kind: 'delete', message: target }),
    )

    await expect.poll(() => read(edited)).toBe('second')
    await expect.poll(() => read(deleted)).toBe('')
  })

  it('rebuilds the same rows from the stream after the tables were truncated', async () => {
    const room = await app.createRoom(['alice', 'bob'], 'public', { alice: 'owner' })
    const ids: NotifyId[] = []
    for (let index = 0; index < 30; index++)
      ids.push(
        toNotifyId(await app.send(room, `${index} 'é' 😀 @bob`, index % 2 ? 'alice' : 'bob')),
      )
    const [first, edited, deleted, both] = ids as [NotifyId, NotifyId, NotifyId, NotifyId]
    await app.call('msg.edit', { notifyId: edited, text: 'edited @null' }, 'alice')
    await app.call('msg.edit', { notifyId: both, text: 'edited in vain' }, 'alice')
    await app.call('msg.react', { notifyId: first, emoji: '👍' }, 'bob')
    await app.call('msg.react', { notifyId: first, emoji: '👍', on: false }, 'bob')
    await app.call('msg.react', { notifyId: deleted, emoji: '👍' }, 'bob')
    await app.call('msg.delete', { notifyId: deleted }, 'alice')
    await app.call('msg.delete', { notifyId: both }, 'alice')
    const threadId = readNotifyId(first).id
    const reply = { room, threadId, clientId: newClientId(), text: 'under it' }
    const { seq } = await app.call('send.thread', reply, 'bob')
    // The test waits for both consumers: one persists room messages, the other persists replies.
    const last = await app.send(room, 'last', 'alice')
    const hasRow = (rows: { seq: number }[], seq: number) => rows.some((row) => row.seq === seq)
    await expect
      .poll(async () => {
        const rows = (await readAllRows()).messages
        return hasRow(rows, seq) && hasRow(rows, last.seq)
      })
      .toBe(true)
    const before = await readAllRows()

    await servers.runtime.stop()
    await db.execute(sql`truncate messages, message_versions, reactions, room_heads`)
    await deleteConsumers()
    await servers.runtime.restart()

    await expect.poll(readAllRows, { timeout: 20_000 }).toEqual(before)
    expect(before.reactions).toMatchObject([{ emoji: '👍', on: false }])
    expect(before.versions.map(({ text }) => text).slice(-2)).toEqual([
      "1 'é' 😀 @bob",
      'edited @null',
    ])
  }, 120_000)

  it('stores one row for a message that is in the stream twice, and deletes the copy from the stream', async () => {
    const room = await app.createRoom(['alice'])
    const clientId = newClientId()
    const { id, seq, at } = await app.send(room, 'once', 'alice', clientId)

    // Store a copy of the message, as a retry does once the duplicate window has passed.
    const { nc } = await app.connectAs('functions')
    const copyEvent = {
      kind: 'message',
      id,
      sender: 'alice',
      clientId,
      text: 'once',
      mentions: [],
      at,
    }
    const copy = await jetstream(nc).publish(`chat.${room}`, JSON.stringify(copyEvent))
    const last = await app.send(room, 'last', 'alice')

    const rows = await app.waitForRows(room, 2)
    expect(rows.map((row) => row.seq)).toEqual([seq, last.seq])
    // The copy must be deleted: otherwise, it would still contain the text after a deletion of the
    // message.
    const log = (await jetstreamManager(nc)).streams
    await expect.poll(() => log.getMessage(CHAT_MESSAGES.stream, { seq: copy.seq })).toBeNull()
    expect(await log.getMessage(CHAT_MESSAGES.stream, { seq })).not.toBeNull()
  })
})

const deadLetters = 'DEAD_LETTERS'

function newEvent() {
  const id = newMessageId()
  const at = new Date().toISOString()
  return { kind: 'message', id, sender: 'alice', clientId: newClientId(), mentions: [], at }
}

async function readAllRows() {
  return {
    messages: await db.select().from(messages).orderBy(messages.seq),
    versions: await db.select().from(messageVersions).orderBy(messageVersions.seq),
    reactions: await db.select().from(reactions).orderBy(reactions.seq),
    heads: await db.select().from(roomHeads).orderBy(roomHeads.room),
  }
}

/** Deletes the consumers, so that a restarted runtime reads CHAT_MESSAGES from its first event. */
async function deleteConsumers() {
  const { nc } = await app.connectAs('functions')
  const manager = await jetstreamManager(nc)
  const consumers = await Array.fromAsync(manager.consumers.list(CHAT_MESSAGES.stream))
  const names = consumers.map(({ name }) => name)
  expect(names.toSorted()).toEqual(['persist', 'persist-thread'])
  for (const name of names) await manager.consumers.delete(CHAT_MESSAGES.stream, name)
}
