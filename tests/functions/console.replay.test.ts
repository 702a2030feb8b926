import { eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { db } from '#schema/db'
import type { RoomId } from '#schema/ids'
import { messages } from '#schema/tables/message'
import { useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'
import { writeDeadLetter } from '../support/dead-letters.ts'

const app = useApp()

async function exists(seq: number) {
  const { letters } = await app.call('console.dead', { after: seq - 1, limit: 1 }, 'alice')
  return letters[0]?.seq === seq
}

async function createDeadLetter(room: RoomId, payload?: string) {
  const { nc } = await app.connectAs('functions')
  const sent = await app.send(room, 'not kept', 'bob')
  await app.waitForRows(room, 1)
  await db.delete(messages).where(eq(messages.id, sent.id))
  return { sent, seq: await writeDeadLetter(nc, sent.seq, 'the database was full', payload) }
}

describe('console.replay', () => {
  it('passes the original event to the function that failed, and deletes the dead letter', async () => {
    const room = await app.createRoom(['bob'])
    const { sent, seq } = await createDeadLetter(room)

    expect(await app.call('console.replay', { seq }, 'alice')).toEqual({ done: true })

    const rows = await db.select().from(messages).where(eq(messages.room, room))
    expect(rows).toMatchObject([{ id: sent.id, seq: sent.seq, text: 'not kept' }])
    expect(await exists(seq)).toBe(false)
  })

  it('publishes no event to the room of the replayed message', async () => {
    const room = await app.createRoom(['bob'])
    const { seq } = await createDeadLetter(room)

    await app.call('console.replay', { seq }, 'alice')

    expect(await app.readEvents(room)).toHaveLength(1)
  })

  it('replays a dead letter only once, even if it is called several times at once', async () => {
    const room = await app.createRoom(['bob'])
    const { seq } = await createDeadLetter(room)

    await Promise.all([1, 2, 3].map(() => app.call('console.replay', { seq }, 'alice')))

    expect(await app.call('console.replay', { seq }, 'alice')).toEqual({ done: false })
    expect(await db.select().from(messages).where(eq(messages.room, room))).toHaveLength(1)
  })

  it('keeps a dead letter whose replay fails, and returns the reason', async () => {
    const room = await app.createRoom(['bob'])
    const { seq } = await createDeadLetter(room, '{"kind":"nonsense"}')

    const rejection = await app.call('console.replay', { seq }, 'alice').catch((error) => error)

    expect(rejection).toMatchObject({ code: 'conflict' })
    expect(rejection.message).toMatch(/^It failed again: .*kind/)
    expect(await exists(seq)).toBe(true)
  })

  it('returns done: false for an unknown dead letter', async () => {
    expect(await app.call('console.replay', { seq: 1e9 }, 'alice')).toEqual({ done: false })
  })

  it.each(['bob', 'charlie'] as const)('rejects %s, who is not an admin', async (as) => {
    const room = await app.createRoom(['bob'])
    const { seq } = await createDeadLetter(room)

    await expect(app.call('console.replay', { seq }, as)).rejects.toMatchObject({
      code: 'forbidden',
    })
    expect(await exists(seq)).toBe(true)
  })

  it.each(badPayloads({ seq: 1e9 }))('rejects invalid input: %s', async (_name, payload) => {
    const { status } = await app.request('as.alice.console.replay', payload, 'alice')
    expect(status).toMatch(/^4(00|13)$/)
  })
})
