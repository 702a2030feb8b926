import { jetstream } from '@nats-io/jetstream'
import { eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { db } from '#schema/db'
import type { ClientId, MessageId, RoomId } from '#schema/ids'
import { messages, roomHeads } from '#schema/tables/message'
import { newClientId, newMessageId, type TestPerson, useApp } from '../support/app.ts'

const app = useApp()

function reply(room: RoomId, threadId: MessageId, text: string, as: TestPerson) {
  return app.call('send.thread', { room, threadId, clientId: newClientId(), text }, as)
}

describe('persist.thread', () => {
  it('stores a reply with its thread id', async () => {
    const room = await app.createRoom(['alice', 'bob'])
    const first = await app.send(room, 'first', 'alice')

    const { id, seq, at } = await reply(room, first.id, 'under it, @alice', 'bob')

    const [, row] = await app.waitForRows(room, 2)
    expect(row).toMatchObject({
      id,
      room,
      seq,
      threadId: first.id,
      sender: 'bob',
      text: 'under it, @alice',
      mentions: ['alice'],
      at: new Date(at),
    })
  })

  it('stores concurrent replies in order', async () => {
    const room = await app.createRoom(['alice', 'bob'])
    const { id: threadId } = await app.send(room, 'first', 'alice')

    const answers = await Promise.all(
      Array.from({ length: 300 }, (_, index) =>
        reply(room, threadId, `${index}`, index % 2 ? 'alice' : 'bob'),
      ),
    )

    const rows = (await app.waitForRows(room, 301)).filter((row) => row.threadId === threadId)
    const expectedRows = answers.toSorted((a, b) => a.seq - b.seq)
    expect(rows.map(({ id, seq, at }) => ({ id, seq, at: at.toISOString() }))).toEqual(expectedRows)
  })

  it('stores one row for a reply that is in the stream twice', async () => {
    const room = await app.createRoom(['alice'])
    const { id: threadId } = await app.send(room, 'first', 'alice')
    const clientId = newClientId()
    const input = { room, threadId, clientId, text: 'once' }
    const { id, seq, at } = await app.call('send.thread', input, 'alice')

    // Store a copy of the reply, as a retry does once the duplicate window has passed.
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
    await jetstream(nc).publish(`chat.${room}.thread.${threadId}`, JSON.stringify(copyEvent))
    const last = await reply(room, threadId, 'last', 'alice')

    const rows = await app.waitForRows(room, 3)
    expect(rows.slice(1).map((row) => row.seq)).toEqual([seq, last.seq])
  })

  it('updates the last sequence number and time of the room in the table room_heads', async () => {
    const room = await app.createRoom(['alice'])
    const { id: threadId } = await app.send(room, 'first', 'alice')
    const { seq } = await reply(room, threadId, 'under it', 'alice')

    await app.waitForRows(room, 2)

    expect(await db.select().from(roomHeads).where(eq(roomHeads.room, room))).toEqual([
      { room, seq, at: expect.any(Date) },
    ])
  })

  it('persists room messages and other replies while one reply cannot be persisted', async () => {
    const room = await app.createRoom(['alice'])
    const { id: threadId } = await app.send(room, 'first', 'alice')
    const { nc } = await app.connectAs('functions')

    // PostgreSQL cannot store the character NUL in a text.
    const at = new Date().toISOString()
    const [id, clientId] = [newMessageId(), newClientId()]
    const poison = { kind: 'message', id, sender: 'alice', clientId, text: '\0', mentions: [], at }
    await jetstream(nc).publish(`chat.${room}.thread.${threadId}`, JSON.stringify(poison))
    await Promise.all([reply(room, threadId, 'under it', 'alice'), app.send(room, 'x', 'alice')])

    const rows = await app.waitForRows(room, 3)
    expect(rows.map(({ text }) => text).sort()).toEqual(['first', 'under it', 'x'])
    const [missingRow] = await db
      .select()
      .from(messages)
      .where(eq(messages.clientId, clientId as ClientId))
    expect(missingRow).toBeUndefined()
  })
})
