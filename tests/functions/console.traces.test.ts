import { describe, expect, it } from 'vitest'
import { newClientId, useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'
import { newTrace, tracedClient } from '../support/tracing.ts'

const app = useApp()

describe('console.traces', () => {
  it('returns all spans of a trace with their time, duration, version and process', async () => {
    const room = await app.createRoom(['bob'], 'private')
    const { id, traceparent } = newTrace()
    const bob = await tracedClient(app, 'bob', traceparent)
    await bob.call('send', { room, clientId: newClientId(), text: 'followed' })

    const find = async () => {
      const { traces } = await app.call('console.traces', {}, 'alice')
      return traces.find((trace) => trace.id === id)?.spans ?? []
    }
    const names = async () => (await find()).map(({ name }) => name)
    await expect
      .poll(names)
      .toEqual(expect.arrayContaining(['send', 'chat.{room}', 'fanout', 'persist']))
    const send = (await find()).find(({ name }) => name === 'send')
    expect(send).toMatchObject({
      kind: 'request',
      version: '1.0.0',
      process: expect.stringMatching(/^.+:\d+$/),
      parent: traceparent.split('-')[2],
    })
    expect(send?.ms).toBeGreaterThan(0)
    expect(Math.abs(Date.now() - (send?.at ?? 0))).toBeLessThan(60_000)
  })

  it('returns no message texts, room ids or user ids', async () => {
    const room = await app.createRoom(['bob'], 'private')
    const { id, traceparent } = newTrace()
    const bob = await tracedClient(app, 'bob', traceparent)
    await bob.call('send', { room, clientId: newClientId(), text: 'a secret' })

    const { traces } = await app.call('console.traces', {}, 'alice')

    expect(JSON.stringify(traces)).not.toContain('a secret')
    // The test checks only this trace, because error messages in other traces may contain ids.
    const traceJson = JSON.stringify(traces.find((trace) => trace.id === id))
    expect(traceJson).toContain('send')
    expect(traceJson).not.toContain(room)
    expect(traceJson).not.toContain('bob')
  })

  it('returns only failed or slow traces when requested', async () => {
    const { traces: failed } = await app.call('console.traces', { only: 'failed' }, 'alice')
    const { traces: slow } = await app.call('console.traces', { only: 'slow' }, 'alice')

    for (const { spans } of failed) expect(spans.some(({ code }) => code !== undefined)).toBe(true)
    for (const { spans } of slow) expect(spans.some(({ ms }) => ms >= 250)).toBe(true)
  })

  it.each(['bob', 'charlie'] as const)('rejects %s, who is not an admin', async (as) => {
    await expect(app.call('console.traces', {}, as)).rejects.toMatchObject({ code: 'forbidden' })
  })

  it.each(badPayloads({ only: 'slow' }))('rejects invalid input: %s', async (_name, payload) => {
    const { status } = await app.request('as.alice.console.traces', payload, 'alice')
    expect(status).toMatch(/^4(00|13)$/)
  })
})
