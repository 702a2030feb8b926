import { sql } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { findTerms } from '#domain/users/directory'
import { chooseName, storeLogins } from '#domain/users/store'
import { db } from '#schema/db'
import type { UserId } from '#schema/ids'
import { newUserId, newUserIds, useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'

const app = useApp()

const newPrefix = () => `q${crypto.randomUUID().replaceAll('-', '').slice(0, 16)}`

async function search(text: string) {
  return (await app.call('users.search', { text }, 'charlie')).users
}

async function createUser(name: string, id: string = newUserId(), chosenName?: string) {
  const userId = id as UserId
  await storeLogins(new Map([[userId, { name }]]))
  if (chosenName !== undefined) await chooseName(userId, chosenName)
  return { userId, name: chosenName ?? name, handle: id }
}

describe('users.search', () => {
  it('returns users whose id begins with the text', async () => {
    const prefix = newPrefix()
    const ada = await createUser('Ada', `${prefix}-ada`)
    await createUser('Grace', `z${prefix}`)

    expect(await search(prefix)).toEqual([ada])
    expect(await search(`${prefix}-ADA`)).toEqual([ada])
    expect(await search(`${prefix}-adam`)).toEqual([])
  })

  it('returns users by the beginning of any word of the name, ignoring case', async () => {
    const prefix = newPrefix()
    const ada = await createUser(`${prefix.toUpperCase()} Lovelace`)
    const ben = await createUser(`${prefix} MacBeth`)

    expect(await search(prefix)).toEqual([ada, ben])
    expect(await search(`${prefix} LOVE`)).toEqual([ada])
    expect(await search('LOVELACE'.repeat(2))).toEqual([])
  })

  it.each([
    ['José Łukasz', 'lukasz'],
    ['Ada King Lovelace', 'lovelace king'],
    ['Ада Лавлейс', 'ЛАВ'],
    ['王小明', '小明'],
    ['김민준', '민준'],
    ['محمّد كريم', 'کریم'],
    ['नेहा शर्मा', 'शर्मा'],
    ['Μαρία Ώρα', 'ωρα'],
  ])('finds %s by the query %s, in any order of words', async (name, text) => {
    const prefix = newPrefix()
    const user = await createUser(`${prefix} ${name}`)
    await createUser(`${prefix} Other`)

    expect(await search(`${text} ${prefix}`)).toEqual([user])
    expect(await search(`${prefix} ${text}`)).toEqual([user])
  })

  it('finds a user by a common word and a rare one, although thousands of users have the common word', async () => {
    const [common, rare] = [newPrefix(), newPrefix()]
    const crowd = newUserIds(2_000).map((id) => [id, { name: `${common} ${id}` }] as const)
    await storeLogins(new Map(crowd))
    const user = await createUser(`Zoe zz ${common} ${rare}`)

    expect(await search(`${rare} ${common}`)).toEqual([user])
    expect(await search(`${common} ${rare}`)).toEqual([user])
    expect(await search(`${common} zz ${rare}`)).toEqual([user])
  })

  it('finds users by their user name at the identity provider', async () => {
    const [prefix, userId] = [newPrefix(), newUserId()]
    await storeLogins(new Map([[userId, { name: 'Jane', handle: `jane.${prefix}` }]]))

    expect(await search(prefix)).toEqual([{ userId, name: 'Jane', handle: `jane.${prefix}` }])
    expect(await search(`@jane.${prefix}`)).toHaveLength(1)
  })

  it('matches the chosen name instead of the name from the token', async () => {
    const [given, chosen] = [newPrefix(), newPrefix()]
    const ada = await createUser(given, newUserId(), chosen)

    expect(await search(chosen)).toEqual([ada])
    expect(await search(given)).toEqual([])
  })

  it('returns each user once, and at most twenty users', async () => {
    const prefix = newPrefix()
    const both = await createUser(`${prefix} both`, `${prefix}-0`)
    for (let index = 1; index < 25; index++)
      await createUser(`Person ${index}`, `${prefix}-${String(index).padStart(2, '0')}`)

    const users = await search(prefix)

    expect(users).toHaveLength(20)
    expect(users.filter(({ userId }) => userId === both.userId)).toEqual([both])
  })

  it.each(['%', '_', `\\`, "'", '*', 'a%', '𝕫'])('matches the text %s literally', async (text) => {
    const prefix = newPrefix()
    await createUser('Somebody', `${prefix}a`)

    expect(await search(`${prefix}${text}`)).toEqual([])
    const literal = await createUser(`${prefix}${text} and more`)
    expect(await search(`${prefix}${text}`)).toEqual([literal])
  })

  it('reads users with index scans only', async () => {
    await db.execute(sql`
      insert into users (id, name, indexed_version)
      select 'many-' || n, 'Many ' || n, 100 from generate_series(1, 20000) n
      on conflict do nothing`)
    await db.execute(sql`
      insert into user_terms (term, user_id)
      select 'many ' || n, 'many-' || n from generate_series(1, 20000) n
      on conflict do nothing`)
    await db.execute(sql`analyze user_terms`)

    const plan = await db.execute(sql`explain ${findTerms('many 12', 20).getSQL()}`)
    const text = plan.map((row) => row['QUERY PLAN']).join('\n')
    expect(text).toMatch(/Index (Only )?Scan using user_terms_term/)
    expect(text).not.toMatch(/Seq Scan|Sort/)
  })

  it('rejects a call on the subject of another user as forbidden', async () => {
    const payload = JSON.stringify({ text: 'a' })

    await expect(app.request('as.bob.users.search', payload, 'alice')).rejects.toMatchObject({
      code: 'forbidden',
    })
  })

  it.each(['', 'x'.repeat(65), 'a\0b', 'a\ud800'])(
    'rejects the text %j as invalid',
    async (text) => {
      const answer = await app.request('as.alice.users.search', JSON.stringify({ text }), 'alice')

      expect(answer).toMatchObject({ status: '400', body: { code: 'invalid' } })
    },
  )

  it.each(badPayloads({ text: 'a' }))('rejects invalid input: %s', async (_name, payload) => {
    const { status } = await app.request('as.alice.users.search', payload, 'alice')

    expect(status).toMatch(/^4(00|13)$/)
  })
})
