import { sql } from 'drizzle-orm'
import { beforeEach, describe, expect, it } from 'vitest'
import { db } from '#schema/db'
import type { RoomId } from '#schema/ids'
import { type AppId, deliverAppUpdated } from '#schema/messages/app'
import {
  expectSameRejection,
  newRoomId,
  nextRejection,
  type TestPerson,
  useApp,
} from '../../tests/support/app.ts'
import { badPayloads } from '../../tests/support/bad-payloads.ts'

const app = useApp()
const pollApp = 'poll' as AppId

interface Poll {
  id: string
  count: number
  options: { text: string; votes?: number; voters?: string[] }[]
  mine: number[]
}

let room: RoomId

/** Alice owns the room and bob is a member of it. The app is installed. */
beforeEach(async () => {
  room = await createRoomWithPolls()
})

async function createRoomWithPolls() {
  const room = await app.createRoom(['alice', 'bob'], 'private', { alice: 'owner' })
  await app.call('apps.install', { room, app: pollApp }, 'alice')
  return room
}

function act(action: string, data: object, as: TestPerson, where: string = room) {
  return app.act('poll', where, action, data, as)
}

async function createPoll(settings: object = {}, as: TestPerson = 'alice') {
  const id = crypto.randomUUID()
  const options = ['Pizza', 'Soup', 'Salad']
  await act('create', { id, question: 'Lunch?', options, ...settings }, as)
  return id
}

async function list(as: TestPerson = 'alice') {
  const { polls } = (await act('list', {}, as)) as { polls: Poll[] }
  return polls
}

async function find(id: string, as: TestPerson = 'alice') {
  const poll = (await list(as)).find((poll) => poll.id === id)
  if (!poll) throw new Error(`The list lacks the poll ${id}`)
  return poll
}

const votesOf = ({ options }: Poll) => options.map(({ votes }) => votes)

describe('the app poll', () => {
  it('lists polls with their options, newest first', async () => {
    const first = await createPoll()
    const second = await createPoll({ question: '  Dinner? ', multiple: true })

    const polls = await list('bob')

    expect(polls.map(({ id }) => id)).toEqual([second, first])
    expect(polls[0]).toEqual({
      id: second,
      question: 'Dinner?',
      multiple: true,
      anonymous: false,
      hidden: false,
      createdBy: 'alice',
      createdAt: expect.stringMatching(/Z$/),
      count: 0,
      options: ['Pizza', 'Soup', 'Salad'].map((text) => ({ text, votes: 0, voters: [] })),
      mine: [],
    })
  })

  it('creates only one poll if the call is repeated with the same id', async () => {
    const id = crypto.randomUUID()
    const poll = { id, question: 'Lunch?', options: ['Yes', 'No'] }

    await act('create', poll, 'alice')
    await act('create', { ...poll, question: 'Other?' }, 'bob')

    expect(await list()).toMatchObject([{ question: 'Lunch?', createdBy: 'alice' }])
  })

  it('counts a vote once, moves it when the member votes again, and removes it when it is withdrawn', async () => {
    const poll = await createPoll()
    await act('vote', { poll, options: [0] }, 'alice')
    await act('vote', { poll, options: [0] }, 'bob')
    await act('vote', { poll, options: [0] }, 'bob')
    expect(votesOf(await find(poll))).toEqual([2, 0, 0])

    await act('vote', { poll, options: [2] }, 'bob')
    const changed = await find(poll, 'bob')
    expect(votesOf(changed)).toEqual([1, 0, 1])
    expect(changed).toMatchObject({ count: 2, mine: [2] })
    expect(changed.options.map(({ voters }) => voters)).toEqual([['alice'], [], ['bob']])

    await act('vote', { poll, options: [] }, 'bob')
    const withdrawn = await find(poll, 'bob')
    expect(votesOf(withdrawn)).toEqual([1, 0, 0])
    expect(withdrawn).toMatchObject({ count: 1, mine: [] })
  })

  it('rejects several votes of a member as invalid, unless the poll allows them', async () => {
    const [single, multiple] = [await createPoll(), await createPoll({ multiple: true })]

    await act('vote', { poll: multiple, options: [0, 2, 2] }, 'bob')
    const rejected = act('vote', { poll: single, options: [0, 2] }, 'bob')

    await expect(rejected).rejects.toMatchObject({ code: 'invalid' })
    expect(await find(multiple, 'bob')).toMatchObject({ count: 1, mine: [0, 2] })
    expect((await find(single)).count).toBe(0)
  })

  it('stores one vote of a member who votes in several tabs at once', async () => {
    const poll = await createPoll()

    const attempts = Array.from({ length: 12 }, (_, index) =>
      act('vote', { poll, options: [index % 3] }, 'bob'),
    )
    await Promise.all(attempts)

    expect(await find(poll, 'bob')).toMatchObject({ count: 1, mine: [expect.any(Number)] })
  })

  it('rejects a vote for an option that does not exist as invalid, and keeps the earlier vote', async () => {
    const poll = await createPoll()
    await act('vote', { poll, options: [1] }, 'bob')

    for (const option of [3, -1, 10, 0.5, '0'])
      await expect(act('vote', { poll, options: [option] }, 'bob')).rejects.toMatchObject({
        code: 'invalid',
      })

    expect(await find(poll, 'bob')).toMatchObject({ mine: [1] })
  })

  it('hides the results of a poll until it is closed, even from its creator', async () => {
    const poll = await createPoll({ hidden: true })
    await act('vote', { poll, options: [1] }, 'bob')

    const open = await find(poll, 'alice')
    expect(open.count).toBe(1)
    expect(open.options).toEqual([{ text: 'Pizza' }, { text: 'Soup' }, { text: 'Salad' }])
    expect((await find(poll, 'bob')).mine).toEqual([1])

    await act('close', { poll }, 'alice')
    expect(votesOf(await find(poll, 'bob'))).toEqual([0, 1, 0])
  })

  it('rejects a vote in a closed poll as conflict, and keeps the result', async () => {
    const poll = await createPoll()
    await act('vote', { poll, options: [1] }, 'bob')
    await act('close', { poll }, 'alice')
    await act('close', { poll }, 'alice')

    for (const options of [[0], []])
      await expect(act('vote', { poll, options }, 'bob')).rejects.toMatchObject({
        code: 'conflict',
      })

    const closed = await find(poll)
    expect(votesOf(closed)).toEqual([0, 1, 0])
    expect(closed).toHaveProperty('closedAt', expect.stringMatching(/Z$/))
  })

  it('lets only moderators and the creator of a poll close it', async () => {
    const [ofAlice, ofBob] = [await createPoll(), await createPoll({}, 'bob')]

    await expect(act('close', { poll: ofAlice }, 'bob')).rejects.toMatchObject({
      code: 'forbidden',
    })
    await act('close', { poll: ofBob }, 'alice')

    expect(await find(ofAlice)).not.toHaveProperty('closedAt')
    expect(await find(ofBob)).toHaveProperty('closedAt')
  })

  it('stores no user id for a vote in an anonymous poll', async () => {
    const [one, two] = [
      await createPoll({ anonymous: true }, 'bob'),
      await createPoll({ anonymous: true }, 'bob'),
    ]
    for (const poll of [one, two]) await act('vote', { poll, options: [0] }, 'alice')
    await act('vote', { poll: one, options: [1] }, 'alice')

    const rows = await db.execute<{ poll: string; voter: string }>(
      sql`select * from app_poll.votes where room = ${room}`,
    )
    expect(JSON.stringify(rows)).not.toContain('alice')
    expect(new Set(rows.map(({ voter }) => voter)).size).toBe(2)
    const poll = await find(one)
    expect(votesOf(poll)).toEqual([0, 1, 0])
    expect(poll.mine).toEqual([1])
    expect(poll.options.flatMap(({ voters }) => voters ?? [])).toEqual([])
  })

  it('counts 10,000 votes, and names 20 voters of each option', async () => {
    const poll = await createPoll()
    await db.execute(sql`
      insert into app_poll.votes (room, poll, voter, option)
      select ${room}, ${poll}::uuid, 'voter-' || n, n % 3 from generate_series(1, 9999) n`)

    await act('vote', { poll, options: [0] }, 'bob')

    const result = await find(poll, 'bob')
    expect(votesOf(result)).toEqual([3_334, 3_333, 3_333])
    expect(result).toMatchObject({ count: 10_000, mine: [0] })
    expect(result.options.map(({ voters }) => voters?.length)).toEqual([20, 20, 20])
  })

  it('publishes each change to the members, with a version that increases by 1', async () => {
    const updates = await app.listen(deliverAppUpdated, { user: 'bob', room }, 'bob')

    const poll = await createPoll()
    await act('vote', { poll, options: [0] }, 'bob')
    await act('list', {}, 'bob')
    await act('close', { poll }, 'alice')

    const received = [await updates.next(), await updates.next(), await updates.next()]
    expect(received).toEqual(
      [1, 2, 3].map((version) => ({ user: 'bob', app: 'poll', room, version, data: { poll } })),
    )
  })

  it('publishes nothing for a rejected action', async () => {
    const updates = await app.listen(deliverAppUpdated, { user: 'bob', room }, 'bob')
    const poll = await createPoll()
    await updates.next()

    await act('vote', { poll, options: [9] }, 'bob').catch(() => undefined)
    await act('vote', { poll: crypto.randomUUID(), options: [0] }, 'bob').catch(() => undefined)
    await act('vote', { poll, options: [0] }, 'bob')

    expect(await updates.next()).toMatchObject({ version: 2 })
    expect(updates.unread()).toEqual([])
  })

  it.each([
    ['one option', { options: ['Only'] }],
    ['11 options', { options: Array.from({ length: 11 }, String) }],
    ['an empty option', { options: ['Yes', ' '] }],
    ['a question of 301 characters', { question: 'x'.repeat(301) }],
    ['an id that is no UUID', { id: 'lunch' }],
    ['a creator', { createdBy: 'bob' }],
  ])('rejects a poll with %s as invalid', async (_name, wrong) => {
    const poll = { id: crypto.randomUUID(), question: 'Lunch?', options: ['Yes', 'No'] }

    await expect(act('create', { ...poll, ...wrong }, 'alice')).rejects.toMatchObject({
      code: 'invalid',
    })
    expect(await list()).toEqual([])
  })

  it.each(badPayloads({ data: { poll: crypto.randomUUID(), options: [0] } }))(
    'rejects an invalid payload: %s',
    async (_name, payload) => {
      const { status } = await app.request(`as.alice.app.poll.${room}.vote`, payload, 'alice')

      expect(status).toMatch(/^4(00|13)$/)
    },
  )
})

describe('access to an app', () => {
  const read = (where: string, as: TestPerson) => act('list', {}, as, where)

  it('is rejected with the same error if the room is absent, the caller is no member, or the app is not installed', async () => {
    const foreign = await createRoomWithPolls()
    const bare = await app.createRoom(['alice', 'charlie', 'bob'], 'private')
    const open = await app.createRoom(['alice'], 'public', { alice: 'owner' })
    await app.call('apps.install', { room: open, app: pollApp }, 'alice')
    await app.call('room.leave', { room: foreign }, 'bob')

    for (const hidden of [foreign, bare, open]) {
      await expect.poll(() => read(hidden, 'bob').catch(({ code }) => code)).toBe('forbidden')
      await expectSameRejection((id) => read(id, 'bob'), { hidden, absent: newRoomId() })
    }
  })

  it('is rejected as invalid if the payload contains a user', async () => {
    const poll = await createPoll()
    const data = { poll, options: [0] }

    for (const payload of [{ data, user: 'alice' }, { data: { ...data, user: 'alice' } }]) {
      const reply = await app.request(
        `as.bob.app.poll.${room}.vote`,
        JSON.stringify(payload),
        'bob',
      )
      expect(reply.status).toBe('400')
    }

    expect((await find(poll)).count).toBe(0)
  })

  it('is rejected by the server on the subject of another user', async () => {
    const forged = app.request(`as.alice.app.poll.${room}.list`, '{}', 'bob')

    await expect(forged).rejects.toMatchObject({ code: 'forbidden' })
  })

  it('is limited to the polls of the room in the call', async () => {
    const [mine, other] = [await createPoll(), await createRoomWithPolls()]

    expect(await act('list', {}, 'bob', other)).toEqual({ polls: [] })
    const vote = act('vote', { poll: mine, options: [0] }, 'bob', other)
    await expect(vote).rejects.toMatchObject({ code: 'not_found' })
    const poll = { id: mine, question: 'Mine?', options: ['Yes', 'No'] }
    await act('create', poll, 'bob', other)
    expect(await list()).toMatchObject([{ question: 'Lunch?' }])
  })

  it('ends within one second when the app is uninstalled, and includes the old polls after a new installation', async () => {
    const poll = await createPoll()
    await list('bob')
    await app.call('apps.uninstall', { room, app: pollApp }, 'alice')

    for (const as of ['alice', 'bob'] as const)
      expect(await nextRejection(() => act('vote', { poll, options: [0] }, as))).toBe('forbidden')

    await app.call('apps.install', { room, app: pollApp }, 'alice')
    expect(await list()).toMatchObject([{ id: poll }])
  })

  it('ends within one second for a member who is kicked', async () => {
    await app.createUsers('alice', 'bob')
    const updates = await app.listen(deliverAppUpdated, { user: 'bob', room }, 'bob')
    const toAlice = await app.listen(deliverAppUpdated, { user: 'alice', room }, 'alice')
    const poll = await createPoll()
    await Promise.all([updates.next(), toAlice.next()])
    await list('bob')

    await app.call('room.kick', { room, userId: 'bob' }, 'alice')

    expect(await nextRejection(() => list('bob'))).toBe('forbidden')
    await act('vote', { poll, options: [0] }, 'alice')
    await toAlice.next()
    const { nc } = await app.connectAs('bob')
    await nc.flush()
    expect(updates.unread()).toEqual([])
  })

  it('allows a guest of the room to read, but not to change anything', async () => {
    const poll = await createPoll()
    await app.call('room.role', { room, userId: 'bob', role: 'guest' }, 'alice')

    expect(await nextRejection(() => act('vote', { poll, options: [0] }, 'bob'))).toBe('forbidden')
    expect(await list('bob')).toMatchObject([{ id: poll }])
  })

  it('is rejected for a user without the role user', async () => {
    await app.addMember(room, 'charlie', 'private')

    await expect(act('list', {}, 'charlie')).rejects.toMatchObject({ code: 'forbidden' })
  })
})
