import { sql } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { pageQuery } from '#domain/messages/history-page'
import type { InputOf } from '#runtime'
import { db } from '#schema/db'
import { type RoomId, readNotifyId, toNotifyId, type UserId } from '#schema/ids'
import type { chatHistory } from '#schema/messages/chat'
import { reactions } from '#schema/tables/message'
import {
  expectSameRejection,
  newClientId,
  newRoomId,
  nextRejection,
  type TestPerson,
  useApp,
} from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'

const app = useApp()

/** Creates a room with the messages "1", "2" and so on by alice. */
async function createMessages(count: number) {
  const room = await app.createRoom(['alice'])
  const seqs: number[] = []
  for (let index = 1; index <= count; index++)
    seqs.push((await app.send(room, String(index), 'alice')).seq)
  await app.waitForRows(room, count)
  return { room, seqs }
}

type Page = Omit<InputOf<typeof chatHistory>, 'room'>

function read(room: RoomId, page: Page = {}) {
  return app.call('chat.history', { room, ...page }, 'alice')
}

/**
 * Joins the texts of a page. The result begins with `<` if there are older messages on other pages,
 * and ends with `>` if there are newer ones.
 */
async function texts(...args: Parameters<typeof read>) {
  const { messages, before, after } = await read(...args)
  return [before ? '<' : '', ...messages.map(({ text }) => text), after ? '>' : ''].join(' ').trim()
}

function genericPlanOf(text: string, values: string): Promise<string> {
  return db.transaction(async (tx) => {
    await tx.execute(sql`set local plan_cache_mode = force_generic_plan`)
    await tx.execute(
      sql.raw(`prepare page (text, text, bigint, bigint, bigint, bigint) as ${text}`),
    )
    const plan = await tx.execute(sql.raw(`explain execute page ${values}`))
    await tx.execute(sql`deallocate page`)
    return plan.map((row) => row['QUERY PLAN']).join('\n')
  })
}

describe('chat.history', () => {
  it('returns the messages of a room, oldest first', async () => {
    const { room, seqs } = await createMessages(3)

    const { messages, before, after } = await read(room)

    expect(messages.map(({ seq }) => seq)).toEqual(seqs)
    expect(messages[0]).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{32}$/),
      room,
      seq: seqs[0],
      sender: 'alice',
      clientId: expect.any(String),
      text: '1',
      mentions: [],
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      reactions: [],
    })
    expect({ before, after }).toEqual({ before: false, after: false })
  })

  it('returns an empty page for a room without messages', async () => {
    const room = await app.createRoom(['alice'])

    expect(await read(room)).toEqual({ messages: [], before: false, after: false, asOf: 0 })
  })

  it('returns the newest page by default, or the page before or after a sequence number', async () => {
    const { room, seqs } = await createMessages(5)
    const [first, , third, fourth, last] = seqs

    expect(await texts(room)).toBe('1 2 3 4 5')
    expect(await texts(room, { limit: 2 })).toBe('< 4 5')
    expect(await texts(room, { before: fourth, limit: 2 })).toBe('< 2 3 >')
    expect(await texts(room, { before: third, limit: 2 })).toBe('1 2 >')
    expect(await texts(room, { before: first, limit: 2 })).toBe('>')
    expect(await texts(room, { after: 0, limit: 2 })).toBe('1 2 >')
    expect(await texts(room, { after: third, limit: 2 })).toBe('< 4 5')
    expect(await texts(room, { after: last, limit: 2 })).toBe('<')
  })

  it('returns the messages around a sequence number', async () => {
    const { room, seqs } = await createMessages(5)
    const [first, second, third, , last] = seqs

    expect(await texts(room, { around: third, limit: 1 })).toBe('< 3 >')
    expect(await texts(room, { around: third, limit: 2 })).toBe('< 2 3 >')
    expect(await texts(room, { around: third, limit: 3 })).toBe('< 2 3 4 >')
    expect(await texts(room, { around: second, limit: 4 })).toBe('1 2 3 >')
    expect(await texts(room, { around: first, limit: 2 })).toBe('1 >')
    expect(await texts(room, { around: last, limit: 2 })).toBe('< 4 5')
    expect(await texts(room, { around: third })).toBe('1 2 3 4 5')
  })

  it('returns no messages of other rooms', async () => {
    const { room } = await createMessages(1)
    await createMessages(1)

    expect(await texts(room, { after: 0 })).toBe('1')
  })

  it('returns edited texts, and deleted messages as empty entries in their place', async () => {
    const { room, seqs } = await createMessages(3)
    const { messages } = await read(room)
    const [first, second] = messages.map(toNotifyId)
    await app.call('msg.edit', { notifyId: first ?? '', text: 'first, @alice' }, 'alice')
    await app.call('msg.delete', { notifyId: second ?? '' }, 'alice')

    await expect.poll(() => texts(room)).toBe('first, @alice  3')
    const page = await read(room)
    expect(page.messages).toEqual([
      {
        ...messages[0],
        text: 'first, @alice',
        mentions: ['alice'],
        editedAt: expect.stringMatching(/Z$/),
      },
      { ...messages[1], text: '', deletedAt: expect.stringMatching(/Z$/) },
      messages[2],
    ])
    expect(page.messages.map(({ seq }) => seq)).toEqual(seqs)
  })

  it('returns reactions in the order in which each emoji was first used', async () => {
    const room = await app.createRoom(['alice', 'bob'])
    const notifyId = toNotifyId(await app.send(room, 'well?', 'alice'))
    const react = (emoji: string, as: 'alice' | 'bob', on = true) =>
      app.call('msg.react', { notifyId, emoji, on }, as)

    await react('👍', 'alice')
    await react('❤️', 'alice')
    await react('👍', 'bob')
    await react('👎', 'bob')
    await react('👎', 'bob', false)
    await react('👍', 'alice', false)
    const { seq } = await react('👍', 'alice')

    await expect.poll(async () => (await read(room)).asOf).toBe(seq)
    const { messages } = await read(room)
    expect(messages[0]?.reactions).toEqual([
      { emoji: '👍', count: 2, users: ['alice', 'bob'] },
      { emoji: '❤️', count: 1, users: ['alice'] },
    ])
  })

  it('returns at most 100 users of a reaction, always including the caller', async () => {
    const { room } = await createMessages(1)
    const [message] = (await read(room)).messages
    if (!message) throw new Error('The page has no message')
    const others = Array.from({ length: 150 }, (_, index) => ({ user: `user-${index}`, at: index }))
    const rows = [...others, { user: 'alice', at: 150 }].map(({ user, at }) => ({
      messageId: message.id,
      userId: user as UserId,
      emoji: '👍',
      on: true,
      seq: message.seq + at,
      firstSeq: message.seq + at,
    }))
    await db.insert(reactions).values(rows)

    const [reaction] = (await read(room)).messages[0]?.reactions ?? []

    expect(reaction).toMatchObject({ emoji: '👍', count: 151 })
    expect(reaction?.users).toHaveLength(100)
    expect(reaction?.users.slice(0, 2)).toEqual(['user-0', 'user-1'])
    expect(reaction?.users).toContain('alice')
  })

  it('returns the number of replies to a message, but not the replies themselves', async () => {
    const { room } = await createMessages(2)
    const [first] = (await read(room)).messages
    if (!first) throw new Error('The page has no message')
    const input = { room, threadId: first.id, text: 'under it' }
    await app.call('send.thread', { ...input, clientId: newClientId() }, 'alice')
    const last = await app.call('send.thread', { ...input, clientId: newClientId() }, 'alice')
    await app.waitForRows(room, 4)

    const { messages } = await read(room)

    expect(messages.map(({ text }) => text)).toEqual(['1', '2'])
    expect(messages[0]?.replies).toEqual({
      count: 2,
      lastSeq: last.seq,
      lastAt: last.at,
      users: ['alice'],
    })
    expect(messages[1]).not.toHaveProperty('replies')
  })

  it('does not count deleted replies, and returns the sequence numbers of those whose deletion is later than asOf', async () => {
    const { room } = await createMessages(1)
    await app.addMember(room, 'bob', 'public')
    const [first] = (await read(room)).messages
    if (!first) throw new Error('The page has no message')
    const reply = (as: TestPerson) => {
      const input = { room, threadId: first.id, text: 'a reply', clientId: newClientId() }
      return app.call('send.thread', input, as)
    }
    const [one, two, three] = [await reply('alice'), await reply('bob'), await reply('alice')]
    await app.waitForRows(room, 4)

    await app.call('msg.delete', { notifyId: toNotifyId(three) }, 'alice')
    await app.call('msg.delete', { notifyId: toNotifyId(one) }, 'alice')

    const { messages, asOf } = await read(room)
    expect(messages[0]?.replies).toMatchObject({
      count: 1,
      lastSeq: three.seq,
      lastAt: two.at,
      users: ['bob'],
    })
    const answer = await app.call('chat.sync', { room, since: asOf }, 'alice')
    const after = answer.recovered ? answer.events : []
    const deleted = after.flatMap(({ event }) =>
      event.kind === 'delete' ? [readNotifyId(event.message.notifyId).seq] : [],
    )
    expect(new Set(messages[0]?.replies?.deleted)).toEqual(new Set(deleted))
  })

  it('returns the sequence number of the last persisted event as asOf', async () => {
    const { room, seqs } = await createMessages(2)
    const [message] = (await read(room)).messages
    if (!message) throw new Error('The page has no message')
    const asOf = async () => (await read(room, { limit: 1, before: seqs[1] })).asOf
    // Until both messages are persisted, `asOf` may be lower than their sequence numbers. That does
    // no harm: a client that passes this `asOf` to chat.sync receives some events twice, but loses
    // none.
    await expect.poll(asOf).toBe(seqs[1])

    const notifyId = toNotifyId(message)
    const { seq } = await app.call('msg.react', { notifyId, emoji: '👍' }, 'alice')

    await expect.poll(async () => (await read(room)).asOf).toBe(seq)
    expect((await read(room, { before: seqs[0] })).asOf).toBe(seq)
  })

  it('returns fewer messages when long texts would exceed the maximum size of a response, without gaps between pages', async () => {
    const room = await app.createRoom(['alice'])
    const seqs: number[] = []
    for (let index = 0; index < 60; index++)
      seqs.push((await app.send(room, '\u0001'.repeat(8_000), 'alice')).seq)
    await app.waitForRows(room, 60)
    const sequencesOf = async (page: Page) =>
      (await read(room, page)).messages.map(({ seq }) => seq)

    const newest = await read(room)
    const count = newest.messages.length
    expect(count).toBeGreaterThan(10)
    expect(newest).toMatchObject({ before: true, after: false })
    expect(newest.messages.map(({ seq }) => seq)).toEqual(seqs.slice(-count))
    expect(await sequencesOf({ after: 0 })).toEqual(seqs.slice(0, count))
    expect(await sequencesOf({ around: seqs[30] })).toContain(seqs[30])
    const collected: number[] = []
    for (let before: number | undefined; collected.length < 60; before = collected[0])
      collected.unshift(...(await sequencesOf(before === undefined ? {} : { before })))
    expect(collected).toEqual(seqs)
  })

  it('reads a page with index scans only', async () => {
    const room = 'the-plan' as RoomId
    await db.execute(sql`
      insert into messages (id, room, seq, thread_id, sender, client_id, text, at)
      select md5(n::text || ${room}), case when n % 2 = 0 then ${room} else 'another' end, 1000000 + n,
        case when n % 10 = 0 then md5((n - n % 100 + 2)::text || ${room}) else '' end,
        'nobody', 'plan-' || n, 'text', now()
      from generate_series(1, 20000) as n
      on conflict do nothing`)
    await db.execute(sql`
      insert into reactions (message_id, user_id, emoji, "on", seq, first_seq)
      select md5(n::text || ${room}), 'nobody', '👍', true, n, n from generate_series(1, 20000) as n
      on conflict do nothing`)
    await db.execute(sql`analyze messages, reactions`)

    const plan = await genericPlanOf(pageQuery, "('the-plan', '', 1010000, 51, 1, 0)")

    const reads = plan.match(/(Index |Seq |Bitmap ).* on (messages|reactions)\b.*/g) ?? []
    expect(reads.toSorted()).toEqual([
      expect.stringMatching(/^Index Only Scan Backward using messages_room_thread_seq .* reply /),
      expect.stringMatching(/^Index Only Scan Backward using messages_room_thread_seq .* reply_1 /),
      expect.stringMatching(/^Index Only Scan Backward using messages_room_thread_seq .* reply_4 /),
      expect.stringMatching(/^Index Scan Backward using messages_room_thread_seq .* messages /),
      expect.stringMatching(/^Index Scan using messages_deleted_replies .* reply_3/),
      expect.stringMatching(/^Index Scan using messages_room_thread_seq .* messages_1/),
      expect.stringMatching(/^Index Scan using messages_room_thread_seq .* reply_2 /),
      expect.stringMatching(/^Index Scan using reactions_message_id_user_id_emoji_pk/),
    ])
    // If all conditions on messages are in the index condition, PostgreSQL reads only the matching
    // rows.
    expect(
      plan.match(/Index Cond: \(\(room = \$1\) AND \(thread_id = \$2\) AND \(seq/g),
    ).toHaveLength(2)
    const start = plan.indexOf('Append')
    const messagesPlan = plan.slice(start, plan.indexOf('CTE threads', start))
    expect(messagesPlan).not.toMatch(/Sort|(?<!One-Time )Filter:/)
  })

  it('rejects a call by a non-member of a private room with the same error as for an unknown room', async () => {
    const room = await app.createRoom(['alice'], 'private')
    await app.send(room, 'between us', 'alice')
    const absent = newRoomId()

    await expectSameRejection((id) => app.call('chat.history', { room: id }, 'bob'), {
      hidden: room,
      absent,
    })
  })

  it('returns messages of a public room to a user who has not joined it, but not to a banned user', async () => {
    const room = await app.createRoom(['alice'], 'public', { alice: 'owner' })
    const sent = await app.send(room, 'for everyone', 'alice')
    const readAs = (person: TestPerson) => app.call('chat.history', { room }, person)
    await expect
      .poll(async () => (await readAs('charlie')).messages.map(({ id }) => id))
      .toEqual([sent.id])

    await app.call('room.join', { room }, 'bob')
    await app.call('room.kick', { room, userId: 'bob' }, 'alice')

    await expect(readAs('bob')).rejects.toMatchObject({ code: 'forbidden' })
    expect((await readAs('charlie')).messages).toHaveLength(1)
  })

  it('rejects a removed member within one second, even if no event announced the removal', async () => {
    const room = await app.createRoom(['alice'], 'private')
    await read(room)
    await app.removeMember(room, 'alice')

    expect(await nextRejection(() => read(room))).toBe('forbidden')
  })

  it.each([
    ['a limit of 0', { limit: 0 }],
    ['a limit of 101', { limit: 101 }],
    ['a negative limit', { limit: -1 }],
    ['a fractional limit', { limit: 1.5 }],
    ['a limit of 1e308', { limit: 1e308 }],
    ['a sequence number of 0', { before: 0 }],
    ['a negative sequence number', { after: -1 }],
    ['an unsafe integer as a sequence number', { before: 2 ** 53 }],
    ['before and after together', { before: 5, after: 1 }],
    ['before and around together', { before: 5, around: 1 }],
    ['a value of 0 for around', { around: 0 }],
  ])('rejects %s as invalid', async (_name, page) => {
    const room = await app.createRoom(['alice'])

    await expect(read(room, page)).rejects.toMatchObject({ code: 'invalid' })
  })

  it.each(badPayloads({ limit: 10, before: 5 }))(
    'rejects invalid input: %s',
    async (_name, payload) => {
      const room = await app.createRoom(['alice'])

      const { status } = await app.request(`as.alice.chat.history.${room}`, payload, 'alice')

      expect(status).toMatch(/^4(00|13)$/)
    },
  )
})
