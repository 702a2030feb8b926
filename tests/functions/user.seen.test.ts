import { eq, inArray, sql } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { db } from '#schema/db'
import type { UserId } from '#schema/ids'
import { users } from '#schema/tables/user'
import { newUserId, newUserIds, useApp } from '../support/app.ts'

const app = useApp()

/** What the auth callout tells of a login. */
async function see(people: readonly UserId[], name?: string) {
  const { nc } = await app.connectAs('functions')
  for (const user of people) nc.publish(`user.seen.${user}`, JSON.stringify({ name }))
  await nc.flush()
}

const rowOf = async (user: UserId) => (await db.select().from(users).where(eq(users.id, user)))[0]

describe('user.seen', () => {
  it('keeps who logs in, by the name that the token says', async () => {
    await app.connectAs('alice')

    await expect.poll(() => rowOf('alice' as UserId)).toMatchObject({ name: 'Alice Adams' })
  })

  it.each([undefined, '', '   ', 'x'.repeat(81), 'a\nb'])(
    'goes by the id where the name is %j, which nobody could show',
    async (name) => {
      const user = newUserId()

      await see([user], name)

      await expect.poll(() => rowOf(user)).toMatchObject({ id: user, name: user })
    },
  )

  it('takes a new name over an old one, and none over what somebody chose', async () => {
    const user = newUserId()
    await db.insert(users).values({ id: user, name: 'Old', chosenName: 'Mine' })

    await see([user], 'New')

    await expect.poll(() => rowOf(user)).toMatchObject({ name: 'New', chosenName: 'Mine' })
  })

  it('keeps a name that the next token leaves out, and notes when somebody was last here', async () => {
    const user = newUserId()
    const longAgo = new Date('2026-01-31T12:00:00.000Z')
    await db.insert(users).values({ id: user, name: 'Ada', seenAt: longAgo })

    await see([user])

    await expect.poll(async () => (await rowOf(user))?.seenAt).not.toEqual(longAgo)
    expect(await rowOf(user)).toMatchObject({ name: 'Ada' })
  })

  it('writes three thousand logins in a few statements, whoever logs in twice', async () => {
    const people = newUserIds(3_000)

    await see([...people, ...people.slice(0, 500)], 'Somebody')

    const mine = inArray(users.id, people)
    await expect.poll(() => db.$count(users, mine), { timeout: 10_000 }).toBe(people.length)
    // A row carries the number of the transaction that wrote it.
    const [written] = await db
      .select({ statements: sql<number>`count(distinct xmin::text)::int` })
      .from(users)
      .where(mine)
    expect(written?.statements).toBeLessThanOrEqual(10)
  })
})
