import { describe, expect, it } from 'vitest'
import { identityToken } from '#schema/identity'
import { newUserId, useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'

const app = useApp()

describe('users.id', () => {
  it('returns the id of the caller', async () => {
    expect(await app.call('users.id', {}, 'alice')).toEqual({ userId: 'alice' })
    const user = newUserId()
    expect(await (await app.clientFor(user)).call('users.id', {})).toEqual({ userId: user })
  })

  it('rejects with not_found an identity that has never logged in', async () => {
    const token = await identityToken({ issuer: 'https://id.example', subject: newUserId() })

    await expect((await app.clientFor(token)).call('users.id', {})).rejects.toMatchObject({
      code: 'not_found',
    })
  })

  it('rejects a call on the subject of another user or identity as forbidden', async () => {
    const token = await identityToken({ issuer: 'https://id.example', subject: 'bob' })

    for (const caller of ['bob', token])
      await expect(app.request(`as.${caller}.users.id`, '{}', 'alice')).rejects.toMatchObject({
        code: 'forbidden',
      })
  })

  it.each(badPayloads({}))('rejects invalid input: %s', async (_name, payload) => {
    const { status } = await app.request('as.alice.users.id', payload, 'alice')

    expect(status).toMatch(/^4(00|13)$/)
  })
})
