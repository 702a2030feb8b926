import { eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { db } from '#schema/db'
import { users } from '#schema/tables/user'
import { newUserId, useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'

const app = useApp()

const callMe = async (user: string, input: { name?: string } = {}) =>
  (await app.clientFor(user)).call('users.me', input)

describe('users.me', () => {
  it('returns the id as the name of an unknown user', async () => {
    const user = newUserId()

    expect(await callMe(user)).toEqual({ userId: user, name: user })
  })

  it('returns the name from the identity provider', async () => {
    const user = newUserId()
    await db.insert(users).values({ id: user, name: 'Ada Lovelace' })

    expect(await callMe(user)).toEqual({ userId: user, name: 'Ada Lovelace' })
  })

  it.each(['known', 'unknown'])('stores the name that a %s user chooses', async (kind) => {
    const user = newUserId()
    if (kind === 'known') await db.insert(users).values({ id: user, name: 'Ada Lovelace' })

    expect(await callMe(user, { name: '  Countess 👑 ' })).toEqual({
      userId: user,
      name: 'Countess 👑',
    })
    expect(await callMe(user, { name: 'Countess 👑' })).toEqual({
      userId: user,
      name: 'Countess 👑',
    })

    expect(await callMe(user)).toEqual({ userId: user, name: 'Countess 👑' })
    const [row] = await db.select().from(users).where(eq(users.id, user))
    expect(row).toMatchObject({
      name: kind === 'known' ? 'Ada Lovelace' : user,
      chosenName: 'Countess 👑',
    })
  })

  it('rejects a call for another user as forbidden', async () => {
    const payload = JSON.stringify({ name: 'Bobby' })

    await expect(app.request('as.bob.users.me', payload, 'alice')).rejects.toMatchObject({
      code: 'forbidden',
    })
  })

  it.each(['', '   ', 'x'.repeat(81), 'a\nb', 'a\0b', 'a\u202eb', '\ud800'])(
    'rejects the name %j as invalid',
    async (name) => {
      const answer = await app.request('as.alice.users.me', JSON.stringify({ name }), 'alice')

      expect(answer).toMatchObject({ status: '400', body: { code: 'invalid' } })
    },
  )

  it.each(badPayloads({ name: 'Alice' }))('rejects invalid input: %s', async (_name, payload) => {
    const { status } = await app.request('as.alice.users.me', payload, 'alice')

    expect(status).toMatch(/^4(00|13)$/)
  })
})
