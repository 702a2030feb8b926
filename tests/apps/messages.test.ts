import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { eq, sql } from 'drizzle-orm'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { db } from '#schema/db'
import { type RoomId, toNotifyId, type UserId } from '#schema/ids'
import type { AppId } from '#schema/messages/app'
import { deliverNotify } from '#schema/messages/event'
import { roomApps } from '#schema/tables/app'
import { messages } from '#schema/tables/message'
import { pendingEvents } from '#schema/tables/room'
import { newClientId, newMessageId, type TestPerson, useApp } from '../support/app.ts'
import { createAppFolder } from '../support/app-folder.ts'

const app = useApp()
const poll = 'poll' as AppId
const sender = '_app_poll' as UserId

let room: RoomId

beforeAll(() => app.createUsers('alice', 'bob'))

/** Alice owns the room and bob is a member of it. The app poll is installed. */
beforeEach(async () => {
  room = await app.createRoom(['alice', 'bob'], 'private', { alice: 'owner' })
  await app.call('apps.install', { room, app: poll }, 'alice')
})

async function createPoll(as: TestPerson = 'bob', id: string = crypto.randomUUID()) {
  const data = { id, question: 'Lunch? @all', options: ['Pizza', 'Soup'] }
  await app.act('poll', room, 'create', data, as)
  return id
}

async function readMessages(of: RoomId = room) {
  return (await app.readEvents(of)).flatMap((event) => (event.kind === 'message' ? [event] : []))
}

async function historyOf(of: RoomId, as: TestPerson = 'alice') {
  return (await app.call('chat.history', { room: of }, as)).messages
}

async function postedMessage() {
  await createPoll()
  await app.waitForRows(room, 1)
  const [message] = await historyOf(room)
  if (!message) throw new Error('The app has posted nothing')
  return message
}

const card = {
  texts: {
    en: '{{ user }} started a poll: {{ question }}',
    de: expect.stringContaining('{{ user }} hat eine Umfrage gestartet'),
    zh: expect.any(String),
    ar: expect.any(String),
  },
  args: { question: 'Lunch? @all' },
  by: 'bob',
}

describe('a message of an app', () => {
  it('is delivered like any other message, with the app as its sender, and mentions no user', async () => {
    const toAlice = await app.listen(deliverNotify, { user: 'alice', room }, 'alice')

    await createPoll('bob')

    const { event } = await toAlice.next()
    const text = expect.stringMatching(/^bob.* started a poll: Lunch\? @all$/i)
    const expected = { sender, text, mentions: [], card }
    expect(event).toMatchObject({ kind: 'message', ...expected })
    await app.waitForRows(room, 1)
    expect(await historyOf(room)).toMatchObject([expected])
    const { rooms } = await app.call('room.list', {}, 'alice')
    expect(rooms.find(({ id }) => id === room)).toMatchObject({ unread: 1, mentions: 0 })
    const removed = '_app_removed' as UserId
    const { users } = await app.call('users.names', { userIds: [sender, removed] }, 'alice')
    expect(users).toEqual([
      { userId: sender, name: 'Poll', handle: 'poll' },
      { userId: removed, name: 'removed', handle: 'removed' },
    ])
  })

  it('is stored once, even if users call the action repeatedly or concurrently with one poll id', async () => {
    const id = crypto.randomUUID()

    await Promise.all([createPoll('bob', id), createPoll('alice', id), createPoll('bob', id)])
    await createPoll('bob', id)

    expect(await readMessages()).toHaveLength(1)
  })

  it('is stored once, even if a process crashed before it removed the message from the outbox', async () => {
    await createPoll()
    const [event] = await readMessages()
    if (!event) throw new Error('The app has posted nothing')
    await db.insert(pendingEvents).values({ room, event: { ...event, room } })

    await createPoll()

    expect((await readMessages()).map(({ clientId }) => clientId)).toEqual([
      event.clientId,
      expect.not.stringContaining(event.clientId),
    ])
  })

  it('names a user by their id if the user is not in the database', async () => {
    const unknown = `user-${crypto.randomUUID()}`
    await app.addMember(room, unknown, 'private')
    const client = await app.clientFor(unknown)
    const data = { id: crypto.randomUUID(), question: 'Who?', options: ['Me', 'You'] }

    await client.call('app.action', { app: poll, room, action: 'create', data })

    expect(await readMessages()).toMatchObject([{ text: `${unknown} started a poll: Who?` }])
  })

  it('cannot be forged: a user can neither send a card nor send a message as an app', async () => {
    const payload = { clientId: newClientId(), text: 'Free money' }
    const forged = [
      { ...payload, card },
      { ...payload, sender },
      { ...payload, id: newMessageId() },
    ]

    for (const message of forged) {
      const subject = `deliver.bob.send.${room}`
      const { status } = await app.request(subject, JSON.stringify(message), 'bob')
      expect(status).toBe('400')
    }
    const asApp = app.request(`deliver.${sender}.send.${room}`, JSON.stringify(payload), 'bob')
    await expect(asApp).rejects.toMatchObject({ code: 'forbidden' })
    expect(await readMessages()).toEqual([])
  })

  it('cannot be edited, and can be deleted only by moderators and owners, together with its card', async () => {
    const message = await postedMessage()
    const notifyId = toNotifyId(message)
    for (const as of ['alice', 'bob'] as const) {
      const edit = app.call('msg.edit', { notifyId, text: 'Something else' }, as)
      await expect(edit).rejects.toMatchObject({ code: 'forbidden' })
    }
    const byBob = app.call('msg.delete', { notifyId }, 'bob')
    await expect(byBob).rejects.toMatchObject({ code: 'forbidden' })

    await app.call('msg.delete', { notifyId }, 'alice')

    const [deleted] = await historyOf(room, 'bob')
    expect(deleted).toMatchObject({ sender, text: '', deletedAt: expect.any(String) })
    expect(deleted).not.toHaveProperty('card')
    expect(await app.call('msg.get', { notifyId }, 'bob')).not.toHaveProperty('card')
    const [row] = await db.select().from(messages).where(eq(messages.id, message.id))
    expect(row).toMatchObject({ text: '', card: null })
  })

  it('is not sent, and the action changes nothing, if the app has just been uninstalled', async () => {
    await createPoll()
    // The row is deleted without `apps.uninstall`. `appGuard` caches for 500 ms that the app is
    // installed, so it still admits the call.
    await db.delete(roomApps).where(eq(roomApps.room, room))

    await expect(createPoll()).rejects.toMatchObject({ code: 'forbidden' })

    expect(await readMessages()).toHaveLength(1)
    await app.call('apps.install', { room, app: poll }, 'alice')
    await expect
      .poll(() => app.act('poll', room, 'list', {}, 'bob').catch(() => undefined))
      .toMatchObject({ polls: [expect.anything()] })
  })
})

/**
 * Creates an app whose action `roll` only stores a row. The schedule of the app posts a message for
 * each row, and deletes the row.
 */
async function createBell({ needs = `needs: ['post'],` } = {}) {
  const folder = await createAppFolder()
  const file = join(folder.dir, folder.id, 'index.ts')
  const source = (await readFile(file, 'utf8'))
    .replace(
      'import { action, defineApp, inRoom, query }',
      'import { action, defineApp, inRoom, query, scheduled }',
    )
    .replace(
      'export default',
      `const ring = scheduled(
  { everyMs: 1_000, rooms: async ({ db }) => (await db.selectDistinct({ room: rolls.room }).from(rolls)).map(({ room }) => room) },
  async ({ room, db, tell, post }) => {
    for (const { id, user } of await db.delete(rolls).where(inRoom(rolls, room)).returning()) {
      const text = 'Ring {{ id }} for {{ winner }}'
      const args = { id: String(id) }
      post({ en: text, de: text, zh: text, ar: text }, { key: args.id, args, users: { winner: user } })
    }
    tell()
  },
)

export default`,
    )
    .replace('actions: {', `${needs} schedules: { ring }, actions: {`)
  await writeFile(file, source)
  return folder
}

async function installed(id: string) {
  const room = await app.createRoom(['alice', 'bob'], 'private', { alice: 'owner' })
  await app.call('apps.install', { room, app: id as AppId }, 'alice')
  return room
}

describe('a schedule of an app', { timeout: 60_000 }, () => {
  it('runs in only one of two processes at a time, and posts one message for each row', async () => {
    const { id, start } = await createBell()
    await Promise.all([start(), start()])
    const room = await installed(id)
    const toBob = await app.listen(deliverNotify, { user: 'bob', room }, 'bob')

    for (const _ of [1, 2]) {
      await app.act(id, room, 'roll', {}, 'alice')
      await toBob.next()
    }

    const { users } = await app.call('users.names', { userIds: ['alice' as UserId] }, 'alice')
    const name = users[0]?.name
    expect(await readMessages(room)).toMatchObject([
      {
        sender: `_app_${id}`,
        text: `Ring 1 for ${name}`,
        card: { args: { id: '1' }, users: { winner: 'alice' } },
      },
      { sender: `_app_${id}`, text: `Ring 2 for ${name}`, card: { args: { id: '2' } } },
    ])
    expect(await readMessages(room)).not.toMatchObject([{ card: { by: expect.anything() } }])
  })

  it('skips a room from which the app was uninstalled, and continues after it is installed again', async () => {
    const { id, start } = await createBell()
    const first = await start()
    const [left, kept] = [await installed(id), await installed(id)]
    const toBob = await app.listen(deliverNotify, { user: 'bob', room: kept }, 'bob')
    await first.stop()
    await app.call('apps.uninstall', { room: left, app: id as AppId }, 'alice')
    for (const room of [left, kept])
      await db.execute(sql`
        insert into ${sql.identifier(`app_${id}`)}.rolls (room, user_id, result)
        values (${room}, 'alice', 6)`)

    await start()
    await toBob.next()
    expect(await readMessages(left)).toEqual([])

    await app.call('apps.install', { room: left, app: id as AppId }, 'alice')
    await expect.poll(() => readMessages(left), { timeout: 20_000 }).toHaveLength(1)
  })

  it('cannot post if the definition of the app does not list `post` in `needs`', async () => {
    const { id, start } = await createBell({ needs: '' })
    const process = await start()
    const room = await installed(id)

    await app.act(id, room, 'roll', {}, 'alice')

    await process.log.line(/may not post: add needs: \['post'\] to its definition/)
    expect(await readMessages(room)).toEqual([])
    expect(await app.act(id, room, 'list', {}, 'bob')).toMatchObject({ rolls: [{ user: 'alice' }] })
  })
})
