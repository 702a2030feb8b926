import { describe, expect, it } from 'vitest'
import { db } from '#schema/db'
import { users } from '#schema/tables/user'
import { newUserId, newUserIds, useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'

const app = useApp()

describe('users.names', () => {
  it('returns the display names and user names of users, and omits unknown users', async () => {
    const [ada, grace, unknown] = [newUserId(), newUserId(), newUserId()]
    await db.insert(users).values([
      { id: ada, name: 'Ada', handle: 'ada.l' },
      { id: grace, name: 'Grace', chosenName: 'Amazing Grace' },
    ])

    const answer = await app.call('users.names', { userIds: [ada, grace, unknown, ada] }, 'charlie')

    expect(new Set(answer.users)).toEqual(
      new Set([
        { userId: ada, name: 'Ada', handle: 'ada.l' },
        { userId: grace, name: 'Amazing Grace', handle: grace },
      ]),
    )
    expect(answer.users).toHaveLength(2)
  })

  it('returns the names of 200 users', async () => {
    const people = newUserIds(200)
    await db.insert(users).values(people.map((id) => ({ id, name: `Name of ${id}` })))

    const answer = await app.call('users.names', { userIds: people }, 'bob')

    expect(new Set(answer.users.map(({ name }) => name))).toEqual(
      new Set(people.map((id) => `Name of ${id}`)),
    )
  })

  it.each([
    ['an empty list', []],
    ['201 ids', newUserIds(201)],
    ['a malformed id', ['Ada']],
    ['a wildcard', ['*']],
  ])('rejects %s as invalid', async (_name, userIds) => {
    const answer = await app.request('as.alice.users.names', JSON.stringify({ userIds }), 'alice')

    expect(answer).toMatchObject({ status: '400', body: { code: 'invalid' } })
  })

  it('rejects a call on the subject of another user as forbidden', async () => {
    const payload = JSON.stringify({ userIds: ['alice'] })

    await expect(app.request('as.bob.users.names', payload, 'alice')).rejects.toMatchObject({
      code: 'forbidden',
    })
  })

  it.each(badPayloads({ userIds: ['alice'] }))(
    'rejects invalid input: %s',
    async (_name, payload) => {
      const { status } = await app.request('as.alice.users.names', payload, 'alice')

      expect(status).toMatch(/^4(00|13)$/)
    },
  )
})
