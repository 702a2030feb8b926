import { eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { db } from '#schema/db'
import { users } from '#schema/tables/user'
import { newUserId, useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'

const app = useApp()

const me = async (user: string, input: { name?: string } = {}) =>
  (await app.clientFor(user)).call('users.me', input)

describe('users.me', () => {
  it('answers who the caller is, by the id where nothing else is known', async () => {
    const user = newUserId()

    expect(await me(user)).toEqual({ userId: user, name: user })
  })

  it('answers what the identity provider calls the caller', async () => {
    const user = newUserId()
    await db.insert(users).values({ id: user, name: 'Ada Lovelace' })

    expect(await me(user)).toEqual({ userId: user, name: 'Ada Lovelace' })
  })

  it.each(['known', 'unknown'])('keeps the name that a caller who is %s gives', async (who) => {
    const user = newUserId()
    if (who === 'known') await db.insert(users).values({ id: user, name: 'Ada Lovelace' })

    expect(await me(user, { name: '  Countess 👑 ' })).toEqual({
      userId: user,
      name: 'Countess 👑',
    })
    expect(await me(user, { name: 'Countess 👑' })).toEqual({ userId: user, name: 'Countess 👑' })

    expect(await me(user)).toEqual({ userId: user, name: 'Countess 👑' })
    const [row] = await db.select().from(users).where(eq(users.id, user))
    expect(row).toMatchObject({
      name: who === 'known' ? 'Ada Lovelace' : user,
      chosenName: 'Countess 👑',
    })
  })

  it('gives nobody else a name', async () => {
    const payload = JSON.stringify({ name: 'Bobby' })

    await expect(app.request('as.bob.users.me', payload, 'alice')).rejects.toMatchObject({
      code: 'forbidden',
    })
  })

  it.each(['', '   ', 'x'.repeat(81), 'a\nb', 'a\0b', 'a\u202eb', '\ud800'])(
    'refuses %j as a name',
    async (name) => {
      const answer = await app.request('as.alice.users.me', JSON.stringify({ name }), 'alice')

      expect(answer).toMatchObject({ status: '400', body: { code: 'invalid' } })
    },
  )

  it.each(badPayloads({ name: 'Alice' }))('refuses %s', async (_name, payload) => {
    const { status } = await app.request('as.alice.users.me', payload, 'alice')

    expect(status).toMatch(/^4(00|13)$/)
  })
})
