import { eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { db } from '#schema/db'
import type { RoomId, UserId } from '#schema/ids'
import type { RoomKind } from '#schema/messages/room'
import { bans, members, rooms } from '#schema/tables/room'
import { expectSameRejection, newRoomId, useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'

const app = useApp()

const newWord = () => `q${crypto.randomUUID().replaceAll('-', '').slice(0, 16)}`

async function createNamedRoom(name: string, kind: RoomKind = 'public'): Promise<RoomId> {
  const id = newRoomId()
  await db.insert(rooms).values({ id, name, kind })
  return id
}

async function browse(text: string, after?: RoomId) {
  return app.call('room.browse', { text, ...(after === undefined ? {} : { after }) }, 'charlie')
}

async function findIds(text: string) {
  return (await browse(text)).rooms.map(({ id }) => id)
}

describe('room.browse', () => {
  it('returns public rooms whose name contains the text, each with its number of members', async () => {
    const word = newWord()
    const room = await createNamedRoom(`All about ${word}s`)
    await createNamedRoom(`Nothing about it`)
    const people = ['alice', 'bob', 'charlie'] as UserId[]
    await db.insert(members).values(people.map((userId) => ({ room, userId })))

    const answer = await browse(word)

    const expected = { id: room, name: `All about ${word}s`, kind: 'public' }
    expect(answer).toEqual({ rooms: [{ ...expected, members: 3, joined: true }], more: false })
  })

  it('returns joined: false for a room that the caller is not in', async () => {
    const word = newWord()
    const room = await createNamedRoom(word)
    await db.insert(members).values({ room, userId: 'alice' as UserId })

    expect((await browse(word)).rooms).toMatchObject([{ members: 1, joined: false }])
  })

  it('matches ids and names, ignoring case', async () => {
    const word = newWord()
    const withWordInName = await createNamedRoom(`${word.toUpperCase()} and Äpfel`)
    const withWordInId = `b-${word}-x` as RoomId
    await db.insert(rooms).values({ id: withWordInId, name: 'zzz', kind: 'public' })

    expect(await findIds(word)).toEqual([withWordInName, withWordInId])
    expect(await findIds(`${word.slice(1)} AND`)).toEqual([withWordInName])
    expect(await findIds(`${word}-X`)).toEqual([withWordInId])
  })

  it('ignores the case of letters that are not ASCII', async () => {
    const word = newWord()
    const room = await createNamedRoom(`${word} Äpfel Ωmega Жук`)

    expect(await findIds(`${word} äpfel ωMEGA жУК`)).toEqual([room])
  })

  it.each(['%', '_', '\\', "'", '*', '.', '\\%', '𝕫'])(
    'matches the text %s literally',
    async (text) => {
      const word = newWord()
      await createNamedRoom(`${word}a and more`)
      expect(await findIds(`${word}${text}`)).toEqual([])

      const literal = await createNamedRoom(`some ${word}${text} and more`)

      expect(await findIds(`${word}${text}`)).toEqual([literal])
    },
  )

  it('sorts rooms by name, then by id', async () => {
    const word = newWord()
    const [last, third] = [
      await createNamedRoom(`b ${word}`),
      await createNamedRoom(`Äpfel ${word}`),
    ]
    const sameName = [await createNamedRoom(`A ${word}`), await createNamedRoom(`a ${word}`)].sort()

    expect(await findIds(word)).toEqual([...sameName, third, last])
  })

  it('returns 50 rooms per page, and each room once', async () => {
    const word = newWord()
    const names = Array.from(
      { length: 101 },
      (_, index) => `${word} ${String(index).padStart(3, '0')}`,
    )
    // The first 60 rooms have the same name. So the first page ends between two rooms that are
    // sorted only by their ids.
    const ids = await Promise.all(
      names.map((_, index) => createNamedRoom(index < 60 ? word : `${word}${index}`)),
    )

    const first = await browse(word)
    const second = await browse(word, first.rooms.at(-1)?.id)
    const third = await browse(word, second.rooms.at(-1)?.id)

    const pages = [first, second, third]
    expect(pages.map(({ rooms, more }) => [rooms.length, more])).toEqual([
      [50, true],
      [50, true],
      [1, false],
    ])
    expect(pages.flatMap((page) => page.rooms.map(({ id }) => id)).sort()).toEqual(ids.sort())
  })

  it('returns more: false if exactly 50 rooms match, which fill one page', async () => {
    const word = newWord()
    await Promise.all(Array.from({ length: 50 }, () => createNamedRoom(word)))

    expect(await browse(word)).toMatchObject({ rooms: { length: 50 }, more: false })
  })

  it('returns all public rooms when called without a text', async () => {
    const answer = await app.call('room.browse', {}, 'charlie')

    expect(answer.rooms.length).toBeGreaterThanOrEqual(3)
  })

  it('never returns private, direct or archived rooms, not even to their members', async () => {
    const word = newWord()
    const secret = await createNamedRoom(word, 'private')
    await createNamedRoom(word, 'direct')
    const room = await createNamedRoom(word)
    await db.insert(members).values({ room: secret, userId: 'charlie' as UserId })
    expect(await findIds(word)).toEqual([room])

    await db.update(rooms).set({ archivedAt: new Date() }).where(eq(rooms.id, room))

    expect(await findIds(word)).toEqual([])
  })

  it('hides a room from a banned user', async () => {
    const word = newWord()
    const room = await createNamedRoom(word)
    await db.insert(bans).values({ room, userId: 'charlie' as UserId, by: 'alice' as UserId })

    expect(await findIds(word)).toEqual([])
    expect((await app.call('room.browse', { text: word }, 'bob')).rooms).toMatchObject([
      { id: room },
    ])
  })

  it('rejects a cursor that is the id of a hidden room, with the same error as for an unknown id', async () => {
    const secret = await createNamedRoom('a secret', 'private')
    const absent = newRoomId()

    await expectSameRejection((id) => browse('', id), {
      hidden: secret,
      absent,
      code: 'invalid',
    })
  })

  it('rejects a call on the subject of another user as forbidden', async () => {
    await expect(app.request('as.bob.room.browse', '{}', 'alice')).rejects.toMatchObject({
      code: 'forbidden',
    })
  })

  it.each(['x'.repeat(81), 'a\0b', 'a\ud800'])('rejects the text %j as invalid', async (text) => {
    const answer = await app.request('as.alice.room.browse', JSON.stringify({ text }), 'alice')

    expect(answer).toMatchObject({ status: '400', body: { code: 'invalid' } })
  })

  it.each(badPayloads({ text: 'a', after: 'general' }))(
    'rejects invalid input: %s',
    async (_name, payload) => {
      const { status } = await app.request('as.alice.room.browse', payload, 'alice')

      expect(status).toMatch(/^4(00|13)$/)
    },
  )
})
