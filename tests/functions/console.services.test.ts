import { describe, expect, it } from 'vitest'
import { useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'

const app = useApp()

async function findService(name: string) {
  const { services } = await app.call('console.services', {}, 'alice')
  return services.find((service) => service.name === name)
}

describe('console.services', () => {
  it('returns every function with its subject, audience and trigger', async () => {
    const { at, services } = await app.call('console.services', {}, 'alice')

    expect(Date.now() - Date.parse(at)).toBeLessThan(10_000)
    const names = services.map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining(['send', 'room.join', 'persist', 'auth.callout']))
    expect(services.find(({ name }) => name === 'room.join')).toMatchObject({
      service: 'room-join',
      versions: ['1.0.0'],
      trigger: 'request',
      subject: 'as.{caller}.room.join.{room}',
      audience: ['everyone'],
      description: expect.stringMatching(/./),
      instances: 1,
    })
    expect(services.find(({ name }) => name === 'persist')).toMatchObject({
      trigger: 'stream',
      queue: 'persist-workers',
    })
  })

  it('returns the number of requests and the processing times of each function', async () => {
    const room = await app.createRoom(['bob'])
    await app.send(room, 'counted', 'bob')

    await expect.poll(async () => (await findService('send'))?.requests ?? 0).toBeGreaterThan(0)
    const send = await findService('send')
    expect(send?.processingMs).toBeGreaterThan(0)
    expect(send?.p99Ms).toBeGreaterThanOrEqual(send?.p50Ms ?? Number.NaN)
    expect(send?.recentP99Ms).toBeGreaterThan(0)
    expect(send).toMatchObject({ inFlight: 0, queued: 0, shed: 0 })
  })

  it('collects statistics at most twice for 20 concurrent calls', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => app.call('console.services', {}, 'alice')),
    )

    expect(new Set(answers.map(({ at }) => at)).size).toBeLessThanOrEqual(2)
  })

  it.each(['bob', 'charlie'] as const)('rejects %s, who is not an admin', async (as) => {
    await expect(app.call('console.services', {}, as)).rejects.toMatchObject({
      code: 'forbidden',
    })
  })

  it.each(badPayloads({}))('rejects invalid input: %s', async (_name, payload) => {
    const { status } = await app.request('as.alice.console.services', payload, 'alice')
    expect(status).toMatch(/^4(00|13)$/)
  })
})
