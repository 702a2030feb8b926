import { describe, expect, it } from 'vitest'
import { useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'

const app = useApp()

describe('console.service', () => {
  it('returns the process, version, start time and counters of each instance of a function', async () => {
    const { instances } = await app.call('console.service', { name: 'room.join' }, 'alice')

    expect(instances).toHaveLength(1)
    expect(instances[0]).toMatchObject({
      version: '1.0.0',
      process: expect.stringMatching(/^.+:\d+$/),
      requests: expect.any(Number),
    })
    expect(Date.parse(instances[0]?.started ?? '')).toBeLessThanOrEqual(Date.now())
  })

  it.each(['nobody', 'room-join'])(
    'rejects %s, which is not the name of a function',
    async (name) => {
      await expect(app.call('console.service', { name }, 'alice')).rejects.toMatchObject({
        code: 'not_found',
        message: `Service ${name} is not running`,
      })
    },
  )

  it.each(['bob', 'charlie'] as const)('rejects %s, who is not an admin', async (as) => {
    await expect(app.call('console.service', { name: 'send' }, as)).rejects.toMatchObject({
      code: 'forbidden',
    })
  })

  it.each(badPayloads({ name: 'send' }))('rejects invalid input: %s', async (_name, payload) => {
    const { status } = await app.request('as.alice.console.service', payload, 'alice')
    expect(status).toMatch(/^4(00|13)$/)
  })
})
