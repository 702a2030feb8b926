import { describe, expect, it } from 'vitest'
import { useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'

const app = useApp()

describe('apps.list', () => {
  it('returns the apps that the runtime has registered, even to a user without roles', async () => {
    const apps = await app.call('apps.list', {}, 'charlie')

    expect(apps.find(({ id }) => id === 'poll')).toMatchObject({
      name: 'Poll',
      version: '1.0.0',
      subjectPrefix: 'app.poll',
      needs: ['post'],
    })
  })

  it.each(badPayloads({}))('rejects invalid input: %s', async (_name, payload) => {
    const { status } = await app.request('as.alice.apps.list', payload, 'alice')

    expect(status).toMatch(/^4(00|13)$/)
  })
})
