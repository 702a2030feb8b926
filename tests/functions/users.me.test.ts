import { eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { storeLogins } from '#domain/users/store'
import { db } from '#schema/db'
import type { UserId } from '#schema/ids'
import { users } from '#schema/tables/user'
import { newUserId, useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'

const app = useApp()

const callMe = async (user: string, input: { name?: string | null } = {}) =>
  (await app.clientFor(user)).call('users.me', input)

const login = (user: UserId, name: string, handle?: string) =>
  storeLogins(new Map([[user, { name, handle }]]))
const newName = (name: string) => `${name} ${crypto.randomUUID().slice(0, 13)}`

describe('users.me', () => {
  it('returns the id as the name of a user who has never logged in', async () => {
    const user = newUserId()

    expect(await callMe(user)).toEqual({
      userId: user,
      name: user,
      handle: user,
      providerName: user,
    })
  })

  it('returns the name and the user name from the identity provider', async () => {
    const user = newUserId()
    await login(user, 'Ada Lovelace', 'ada@example.com')

    expect(await callMe(user)).toEqual({
      userId: user,
      name: 'Ada Lovelace',
      handle: 'ada@example.com',
      providerName: 'Ada Lovelace',
    })
  })

  it.each(['known', 'unknown'])('stores the name that a %s user chooses', async (kind) => {
    const user = newUserId()
    const name = newName('Countess 👑')
    if (kind === 'known') await login(user, 'Ada Lovelace')

    expect(await callMe(user, { name: `  ${name} ` })).toMatchObject({ userId: user, name })
    expect(await callMe(user, { name })).toMatchObject({ userId: user, name })

    expect(await callMe(user)).toMatchObject({
      name,
      providerName: kind === 'known' ? 'Ada Lovelace' : user,
    })
  })

  it("restores the identity provider's name when the caller removes the chosen name", async () => {
    const user = newUserId()
    await login(user, 'Ada Lovelace')
    const original = {
      userId: user,
      handle: user,
      name: 'Ada Lovelace',
      providerName: 'Ada Lovelace',
    }
    await callMe(user, { name: newName('Countess') })

    expect(await callMe(user, { name: null })).toEqual(original)
    expect(await callMe(user, { name: null })).toEqual(original)
    await callMe(user, { name: newName('Countess') })
    expect(await callMe(user, { name: 'Ada Lovelace' })).toEqual(original)

    const [row] = await db.select().from(users).where(eq(users.id, user))
    expect(row).toMatchObject({ name: 'Ada Lovelace', chosenName: null })
  })

  it.each([
    ['the name', (name: string) => name],
    ['the name in other letters that look the same', (name: string) => name.replace('o', 'о')],
    ['the name in another case, with a symbol', (name: string) => `${name.toUpperCase()} ✓`],
  ])('rejects %s of another user as conflict', async (_what, imitate) => {
    const [victim, other, user] = [newUserId(), newUserId(), newUserId()]
    const [given, chosen] = [newName('Coco'), newName('Coco')]
    await login(victim, given)
    await callMe(other, { name: chosen })

    await expect(callMe(user, { name: imitate(given) })).rejects.toMatchObject({ code: 'conflict' })
    await expect(callMe(user, { name: imitate(chosen) })).rejects.toMatchObject({
      code: 'conflict',
    })
  })

  it('rejects as a conflict a name that is the id or the user name of another user', async () => {
    const victim = newUserId()
    await login(victim, 'Victim', `${victim}@example.com`)

    for (const name of [victim, `${victim}@example.com`, `@${victim}`])
      await expect(callMe(newUserId(), { name })).rejects.toMatchObject({ code: 'conflict' })
  })

  it('gives a name to only one of several users who choose it at the same time', async () => {
    const name = newName('Race')
    const calls = Array.from({ length: 5 }, () => callMe(newUserId(), { name }))

    const outcomes = (await Promise.allSettled(calls)).map(({ status }) => status).sort()
    expect(outcomes).toEqual(['fulfilled', ...Array(4).fill('rejected')])
  })

  it('stores a name in Unicode NFC', async () => {
    const name = newName('Zoe\u0308 علی\u200cرضا 👨\u200d👩\u200d👧')

    expect(await callMe(newUserId(), { name })).toMatchObject({ name: name.normalize('NFC') })
  })

  it('rejects a call on the subject of another user as forbidden', async () => {
    const payload = JSON.stringify({ name: 'Bobby' })

    await expect(app.request('as.bob.users.me', payload, 'alice')).rejects.toMatchObject({
      code: 'forbidden',
    })
  })

  it.each([
    '',
    ' ',
    '\u3164',
    '\u2800',
    'x'.repeat(81),
    'a\nb',
    'a\u2028b',
    'a\0b',
    'a\u202eb',
    '\ud800',
  ])('rejects the name %j as invalid', async (name) => {
    const answer = await app.request('as.alice.users.me', JSON.stringify({ name }), 'alice')

    expect(answer).toMatchObject({ status: '400', body: { code: 'invalid' } })
  })

  const badInput = badPayloads({ name: 'Alice' }).filter(([title]) => title !== 'null as name')
  it.each(badInput)('rejects invalid input: %s', async (_name, payload) => {
    const { status } = await app.request('as.alice.users.me', payload, 'alice')

    expect(status).toMatch(/^4(00|13)$/)
  })
})
