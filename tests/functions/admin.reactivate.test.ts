import { beforeAll, describe, expect, it } from 'vitest'
import { db } from '#schema/db'
import { DEACTIVATED_USERS } from '#schema/streams'
import { users } from '#schema/tables/user'
import { newUserId, useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'

const app = useApp()

beforeAll(() => app.createUsers('alice', 'bob'))

describe('admin.reactivate', () => {
  it('makes the user active again', async () => {
    const userId = newUserId()
    await db.insert(users).values({ id: userId, name: userId })
    await app.call('admin.deactivate', { userId }, 'alice')

    expect(await app.call('admin.reactivate', { userId }, 'alice')).toEqual({})
    expect(await app.call('admin.reactivate', { userId }, 'alice')).toEqual({})

    const answer = await app.call('users.names', { userIds: [userId] }, 'alice')
    expect(answer.users).toMatchObject([{ userId }])
    expect(answer.users[0]).not.toHaveProperty('deactivated')
    const bucket = await app.openBucket(DEACTIVATED_USERS)
    expect((await bucket.get(userId))?.operation).toBe('DEL')
  })

  it('rejects the id of a user who has never logged in, and a caller who is no administrator', async () => {
    const call = (userId: string, as: 'alice' | 'bob') =>
      app.call('admin.reactivate', { userId: userId as never }, as)

    await expect(call(newUserId(), 'alice')).rejects.toMatchObject({ code: 'forbidden' })
    await expect(call('alice', 'bob')).rejects.toMatchObject({ code: 'forbidden' })
  })

  it.each(badPayloads({ userId: 'bob' }))('rejects invalid input: %s', async (_name, payload) => {
    const { status } = await app.request('as.alice.admin.reactivate', payload, 'alice')

    expect(status).toMatch(/^4(00|13)$/)
  })
})
