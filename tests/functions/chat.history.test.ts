import { Kvm } from '@nats-io/kv'
import { sql } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import type { InputOf } from '#runtime'
import { db } from '#schema/db'
import type { RoomId } from '#schema/ids'
import type { chatHistory } from '#schema/messages/chat'
import { ROOMS_KV } from '#schema/streams'
import { pageQueries } from '../../functions/_page.ts'
import { badPayloads } from '../bad-input.ts'
import { useApp } from '../harness.ts'

const app = useApp()

/** A room in which alice said "1", "2", and so on. */
async function givenTalk(count: number) {
  const room = await app.givenRoom(['alice'])
  const seqs: number[] = []
  for (let index = 1; index <= count; index++)
    seqs.push((await app.say(room, String(index), 'alice')).seq)
  await app.rowsOf(room, count)
  return { room, seqs }
}

type Page = Omit<InputOf<typeof chatHistory>, 'room'>

function read(room: RoomId, page: Page = {}) {
  return app.call('chat.history', { room, ...page }, 'alice')
}

async function texts(...args: Parameters<typeof read>) {
  const { messages, more } = await read(...args)
  return { said: messages.map(({ text }) => text).join(' '), more }
}

/** How the database goes about a query whose values it does not know, as it does once it is prepared. */
function genericPlanOf(text: string, values: string): Promise<string> {
  return db.transaction(async (tx) => {
    await tx.execute(sql`set local plan_cache_mode = force_generic_plan`)
    await tx.execute(sql.raw(`prepare page as ${text}`))
    const plan = await tx.execute(sql.raw(`explain execute page ${values}`))
    await tx.execute(sql`deallocate page`)
    return plan.map((row) => row['QUERY PLAN']).join('\n')
  })
}

describe('chat.history', () => {
  it('answers with what was said, oldest first', async () => {
    const { room, seqs } = await givenTalk(3)

    const { messages, more } = await read(room)

    expect(messages.map(({ seq }) => seq)).toEqual(seqs)
    expect(messages[0]).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{32}$/),
      room,
      seq: seqs[0],
      sender: 'alice',
      clientId: expect.any(String),
      text: '1',
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    })
    expect(more).toBe(false)
  })

  it('answers with nothing where nothing was said', async () => {
    const room = await app.givenRoom(['alice'])

    expect(await read(room)).toEqual({ messages: [], more: false })
  })

  it('begins with the newest page, and walks back and forth', async () => {
    const { room, seqs } = await givenTalk(5)
    const [first, , third, fourth, last] = seqs

    expect(await texts(room, { limit: 2 })).toEqual({ said: '4 5', more: true })
    expect(await texts(room, { before: fourth, limit: 2 })).toEqual({ said: '2 3', more: true })
    expect(await texts(room, { before: third, limit: 2 })).toEqual({ said: '1 2', more: false })
    expect(await texts(room, { before: first, limit: 2 })).toEqual({ said: '', more: false })
    expect(await texts(room, { after: 0, limit: 2 })).toEqual({ said: '1 2', more: true })
    expect(await texts(room, { after: third, limit: 2 })).toEqual({ said: '4 5', more: false })
    expect(await texts(room, { after: last, limit: 2 })).toEqual({ said: '', more: false })
  })

  it('says nothing of other rooms', async () => {
    const { room } = await givenTalk(1)
    await givenTalk(1)

    expect(await texts(room, { after: 0 })).toEqual({ said: '1', more: false })
  })

  it('reads a page along the index', async () => {
    const room = 'the-plan' as RoomId
    await db.execute(sql`
      insert into messages (id, room, seq, sender, client_id, text, at)
      select md5(n::text || ${room}), case when n % 2 = 0 then ${room} else 'another' end,
        1000000 + n, 'nobody', 'plan-' || n, 'text', now()
      from generate_series(1, 20000) as n
      on conflict do nothing`)
    await db.execute(sql`analyze messages`)

    for (const query of Object.values(pageQueries())) {
      const text = await genericPlanOf(query.getQuery().sql, "('the-plan', 1010000, 51)")

      expect(text).toMatch(/Index Scan( Backward)? using messages_room_seq/)
      expect(text).not.toMatch(/Sort|Seq Scan|Filter/)
    }
  })

  it('refuses whoever does not belong to the room, and the same where there is none', async () => {
    const room = await app.givenRoom(['alice'], 'private')
    await app.say(room, 'between us', 'alice')
    const absent = `room-${crypto.randomUUID()}`
    const refusal = (of: string) =>
      app.call('chat.history', { room: of }, 'bob').catch((error) => error)

    const [there, notThere] = [await refusal(room), await refusal(absent)]

    expect(there).toMatchObject({ code: 'forbidden' })
    expect(notThere.code).toBe(there.code)
    expect(notThere.message.replace(absent, room)).toBe(there.message)
  })

  it('refuses whoever was removed, within a second', async () => {
    const { room } = await givenTalk(1)
    await read(room)
    const { nc } = await app.connectAs('functions')
    await (await new Kvm(nc).open(ROOMS_KV.bucket)).delete(`${room}.alice`)

    await expect
      .poll(() => read(room).catch(({ code }) => code), { timeout: 1_000 })
      .toBe('forbidden')
  })

  it.each([
    ['a limit of 0', { limit: 0 }],
    ['a limit of 101', { limit: 101 }],
    ['a negative limit', { limit: -1 }],
    ['half a message', { limit: 1.5 }],
    ['a limit beyond all numbers', { limit: 1e308 }],
    ['a sequence of 0', { before: 0 }],
    ['a negative sequence', { after: -1 }],
    ['a sequence beyond all numbers', { before: 2 ** 53 }],
    ['both ways at once', { before: 5, after: 1 }],
  ])('refuses %s', async (_name, page) => {
    const room = await app.givenRoom(['alice'])

    await expect(read(room, page)).rejects.toMatchObject({ code: 'invalid' })
  })

  it.each(badPayloads({ limit: 10, before: 5 }))('refuses %s', async (_name, payload) => {
    const room = await app.givenRoom(['alice'])

    const { status } = await app.ask(`as.alice.chat.history.${room}`, payload, 'alice')

    expect(status).toMatch(/^4(00|13)$/)
  })
})
