import { eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { db } from '#schema/db'
import type { RoomId, UserId } from '#schema/ids'
import type { RoomKind } from '#schema/messages/room'
import { bans, members, rooms } from '#schema/tables/room'
import { useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'

const app = useApp()

/** What no other room's name or id holds. */
const newWord = () => `q${crypto.randomUUID().replaceAll('-', '').slice(0, 16)}`

async function givenNamed(name: string, kind: RoomKind = 'public'): Promise<RoomId> {
  const id = `room-${crypto.randomUUID()}` as RoomId
  await db.insert(rooms).values({ id, name, kind })
  return id
}

async function browse(text: string, after?: RoomId) {
  return app.call('room.browse', { text, ...(after === undefined ? {} : { after }) }, 'charlie')
}

async function idsOf(text: string) {
  return (await browse(text)).rooms.map(({ id }) => id)
}

describe('room.browse', () => {
  it('finds public rooms by a part of their name, and says who is in them', async () => {
    const word = newWord()
    const room = await givenNamed(`All about ${word}s`)
    await givenNamed(`Nothing about it`)
    const people = ['alice', 'bob', 'charlie'] as UserId[]
    await db.insert(members).values(people.map((userId) => ({ room, userId })))

    const answer = await browse(word)

    const found = { id: room, name: `All about ${word}s`, kind: 'public' }
    expect(answer).toEqual({ rooms: [{ ...found, members: 3, joined: true }], more: false })
  })

  it('says of a room that the caller is not in it', async () => {
    const word = newWord()
    const room = await givenNamed(word)
    await db.insert(members).values({ room, userId: 'alice' as UserId })

    expect((await browse(word)).rooms).toMatchObject([{ members: 1, joined: false }])
  })

  it('finds them by a part of their id, and in capitals or not', async () => {
    const word = newWord()
    const named = await givenNamed(`${word.toUpperCase()} and Äpfel`)
    const called = `b-${word}-x` as RoomId
    await db.insert(rooms).values({ id: called, name: 'zzz', kind: 'public' })

    expect(await idsOf(word)).toEqual([named, called])
    expect(await idsOf(`${word.slice(1)} AND`)).toEqual([named])
    expect(await idsOf(`${word}-X`)).toEqual([called])
  })

  it('takes letters of other alphabets for what they are, in capitals or not', async () => {
    const word = newWord()
    const room = await givenNamed(`${word} Äpfel Ωmega Жук`)

    expect(await idsOf(`${word} äpfel ωMEGA жУК`)).toEqual([room])
  })

  it.each(['%', '_', '\\', "'", '*', '.', '\\%', '𝕫'])('takes %s as it is', async (text) => {
    const word = newWord()
    await givenNamed(`${word}a and more`)
    expect(await idsOf(`${word}${text}`)).toEqual([])

    const literal = await givenNamed(`some ${word}${text} and more`)

    expect(await idsOf(`${word}${text}`)).toEqual([literal])
  })

  it('lists them by name, and by id where two have the same', async () => {
    const word = newWord()
    const [last, third] = [await givenNamed(`b ${word}`), await givenNamed(`Äpfel ${word}`)]
    const same = [await givenNamed(`A ${word}`), await givenNamed(`a ${word}`)].sort()

    expect(await idsOf(word)).toEqual([...same, third, last])
  })

  it('lists 50 at a time, each of them once', async () => {
    const word = newWord()
    const names = Array.from({ length: 101 }, (_, at) => `${word} ${String(at).padStart(3, '0')}`)
    // All the same to whoever sorts by name alone.
    const ids = await Promise.all(names.map((_, at) => givenNamed(at < 60 ? word : `${word}${at}`)))

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

  it('says that there is no more after exactly 50', async () => {
    const word = newWord()
    await Promise.all(Array.from({ length: 50 }, () => givenNamed(word)))

    expect(await browse(word)).toMatchObject({ rooms: { length: 50 }, more: false })
  })

  it('lists all of them where no text is given', async () => {
    const answer = await app.call('room.browse', {}, 'charlie')

    expect(answer.rooms.length).toBeGreaterThanOrEqual(3)
  })

  it('never lists private, direct and archived rooms, even those of the caller', async () => {
    const word = newWord()
    const secret = await givenNamed(word, 'private')
    await givenNamed(word, 'direct')
    const room = await givenNamed(word)
    await db.insert(members).values({ room: secret, userId: 'charlie' as UserId })
    expect(await idsOf(word)).toEqual([room])

    await db.update(rooms).set({ archivedAt: new Date() }).where(eq(rooms.id, room))

    expect(await idsOf(word)).toEqual([])
  })

  it('does not list to somebody what they were kicked from', async () => {
    const word = newWord()
    const room = await givenNamed(word)
    await db.insert(bans).values({ room, userId: 'charlie' as UserId, by: 'alice' as UserId })

    expect(await idsOf(word)).toEqual([])
    expect((await app.call('room.browse', { text: word }, 'bob')).rooms).toMatchObject([
      { id: room },
    ])
  })

  it('refuses to go on after a room that the caller does not see, as after none', async () => {
    const secret = await givenNamed('a secret', 'private')
    const absent = `room-${crypto.randomUUID()}` as RoomId
    const refusal = (after: RoomId) => browse('', after).catch((error) => error)

    const [there, notThere] = [await refusal(secret), await refusal(absent)]

    expect(there).toMatchObject({ code: 'invalid' })
    expect(notThere.code).toBe(there.code)
    expect(notThere.message.replace(absent, secret)).toBe(there.message)
  })

  it('refuses to ask as somebody else', async () => {
    await expect(app.request('as.bob.room.browse', '{}', 'alice')).rejects.toMatchObject({
      code: 'forbidden',
    })
  })

  it.each(['x'.repeat(81), 'a\0b', 'a\ud800'])('refuses %j', async (text) => {
    const answer = await app.request('as.alice.room.browse', JSON.stringify({ text }), 'alice')

    expect(answer).toMatchObject({ status: '400', body: { code: 'invalid' } })
  })

  it.each(badPayloads({ text: 'a', after: 'general' }))('refuses %s', async (_name, payload) => {
    const { status } = await app.request('as.alice.room.browse', payload, 'alice')

    expect(status).toMatch(/^4(00|13)$/)
  })
})
