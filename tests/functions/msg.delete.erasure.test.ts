import { eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { db } from '#schema/db'
import { type ClientId, type NotifyId, readNotifyId, toNotifyId, type UserId } from '#schema/ids'
import { MSG_CACHE } from '#schema/streams'
import { messages, messageVersions, reactions } from '#schema/tables/message'
import { longText, newClientId, newMessageId, type TestPerson, useApp } from '../support/app.ts'
import { lockMessages } from '../support/table-lock.ts'

const app = useApp()

const remove = (notifyId: string, as: TestPerson) => app.call('msg.delete', { notifyId }, as)

const read = (notifyId: string, as: TestPerson) => app.call('msg.get', { notifyId }, as)

async function createMessage(text = 'a secret') {
  const room = await app.createRoom(['alice', 'bob'], 'public', { bob: 'owner' })
  const sent = await app.send(room, text, 'alice')
  return { room, sent, notifyId: toNotifyId(sent) }
}

async function readRow(notifyId: NotifyId) {
  const [row] = await db
    .select()
    .from(messages)
    .where(eq(messages.id, readNotifyId(notifyId).id))
  return row
}

describe('erasure by msg.delete', () => {
  it('removes the text from the stream, the cache and the database before msg.delete returns', async () => {
    const { sent, notifyId } = await createMessage(longText('a secret'))
    const cache = await app.openBucket(MSG_CACHE)
    await expect.poll(async () => (await cache.get(sent.id))?.string()).toContain('a secret')
    const edited = await app.call('msg.edit', { notifyId, text: 'a worse secret' }, 'alice')
    await expect.poll(async () => (await readRow(notifyId))?.editedSeq).toBe(edited.seq)

    await remove(notifyId, 'alice')

    expect(await app.readLog(sent.seq)).toBeNull()
    expect(await app.readLog(edited.seq)).toBeNull()
    expect((await cache.get(sent.id))?.string()).not.toContain('secret')
    expect(await readRow(notifyId)).toMatchObject({ text: '', mentions: [] })
  })

  it('deletes the reactions and the versions of the message', async () => {
    const { room, notifyId } = await createMessage()
    const { id } = readNotifyId(notifyId)
    await app.call('msg.react', { notifyId, emoji: '👍' }, 'bob')
    await app.call('msg.edit', { notifyId, text: 'edited' }, 'alice')
    const versionRows = () =>
      db.select().from(messageVersions).where(eq(messageVersions.messageId, id))
    const reactionRows = () => db.select().from(reactions).where(eq(reactions.messageId, id))
    await expect.poll(versionRows).toHaveLength(2)
    await expect.poll(reactionRows).toHaveLength(1)

    await remove(notifyId, 'alice')

    expect(await versionRows()).toEqual([])
    expect(await reactionRows()).toEqual([])
    expect(await app.call('msg.versions', { notifyId }, 'alice')).toEqual({ versions: [] })
    const { messages } = await app.call('chat.history', { room }, 'bob')
    expect(messages).toMatchObject([{ reactions: [] }])
  })

  it('makes chat.sync return only the deletion to a client that reconnects', async () => {
    const { room, sent, notifyId } = await createMessage()
    await app.call('msg.edit', { notifyId, text: 'a worse secret' }, 'alice')
    await remove(notifyId, 'alice')

    const sync = () => app.call('chat.sync', { room, since: sent.seq - 1 }, 'bob')

    // An edit that was not yet persisted may remain in the stream for a moment after the deletion.
    // So the call is repeated.
    await expect
      .poll(sync)
      .toMatchObject({ recovered: true, events: [{ event: { kind: 'delete' } }] })
  })

  it('deletes a message that is not yet persisted', async () => {
    const room = await app.createRoom(['alice', 'bob'])
    const release = await lockMessages()
    const sent = await app.send(room, 'a secret', 'alice')
    const notifyId = toNotifyId(sent)

    const deleting = remove(notifyId, 'alice')
    await release()
    await deleting

    const next = await app.send(room, 'next', 'alice')
    const rows = await app.waitForRows(room, 2)
    expect(rows).toMatchObject([
      { id: sent.id, seq: sent.seq, text: '', deletedAt: expect.any(Date) },
      { id: next.id },
    ])
  })

  it('removes the unpersisted edits of the deleted message, but not those of other messages', async () => {
    const room = await app.createRoom(['alice'])
    const release = await lockMessages()
    const [deleted, other] = [
      await app.send(room, 'a secret', 'alice'),
      await app.send(room, 'no secret', 'alice'),
    ]
    const edit = (sent: typeof other) =>
      app.call('msg.edit', { notifyId: toNotifyId(sent), text: 'edited' }, 'alice')
    const [edited, otherEdited] = [await edit(deleted), await edit(other)]

    const deleting = remove(toNotifyId(deleted), 'alice')
    await release()
    await deleting

    expect(await app.readLog(edited.seq)).toBeNull()
    expect(await app.readLog(otherEdited.seq)).not.toBeNull()
    await expect.poll(async () => (await readRow(toNotifyId(other)))?.text).toBe('edited')
  })

  it('deletes a message that is no longer in the stream', async () => {
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
    const notifyId = toNotifyId(row)

    const { seq } = await remove(notifyId, 'alice')

    expect(await readRow(notifyId)).toMatchObject({ text: '', editedSeq: seq })
    expect((await read(notifyId, 'alice')).text).toBe('')
    const next = toNotifyId(await app.send(room, 'next', 'alice'))
    await expect.poll(() => readRow(next)).toBeDefined()
  })

  it('keeps the message deleted when edits and reactions run concurrently', async () => {
    const { room, notifyId } = await createMessage()

    await Promise.all([
      ...Array.from({ length: 10 }, (_, index) =>
        app.call('msg.edit', { notifyId, text: `edit ${index}` }, 'alice').catch(() => {}),
      ),
      ...Array.from({ length: 10 }, () =>
        app.call('msg.react', { notifyId, emoji: '👍' }, 'bob').catch(() => {}),
      ),
      remove(notifyId, 'bob'),
    ])

    expect((await read(notifyId, 'alice')).text).toBe('')
    const last = await app.send(room, 'last', 'alice')
    await expect.poll(() => readRow(toNotifyId(last))).toBeDefined()
    const { messages } = await app.call('chat.history', { room }, 'alice')
    expect(messages).toMatchObject([{ text: '', reactions: [] }, { id: last.id }])
    const texts = (await app.readEvents(room)).flatMap((event) =>
      'text' in event ? [event.text] : [],
    )
    expect(texts).toEqual(['last'])
  })
})
