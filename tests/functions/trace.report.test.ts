import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createClient } from '#runtime/client'
import type { RoomId } from '#schema/ids'
import { maxReportedSpans } from '#schema/messages/trace'
import { pageContracts } from '../../client/nats/chatClient.ts'
import { createTracedClient } from '../../client/nats/createTracedClient.ts'
import { newClientId, useApp } from '../support/app.ts'
import { badPayloads } from '../support/bad-payloads.ts'
import { newSpan } from '../support/tracing.ts'

const app = useApp()

describe('trace.report', () => {
  it('answers that no traces are exported if no collector is configured', async () => {
    const spans = [newSpan(), { ...newSpan(), code: 'timeout' }]

    expect(await app.call('trace.report', { spans }, 'alice')).toEqual({ isExported: false })
    expect(await app.call('trace.report', { spans }, 'alice')).toEqual({ isExported: false })
  })

  it('rejects a span whose time is more than a day in the past or in the future', async () => {
    for (const at of ['2020-01-01T00:00:00.000Z', '2100-01-01T00:00:00.000Z'])
      await expect(
        app.call('trace.report', { spans: [newSpan(), { ...newSpan(), at }] }, 'alice'),
      ).rejects.toMatchObject({ code: 'invalid', message: `The time ${at} is more than a day off` })
  })

  it.each([
    ['a function that the page does not trace', { name: 'room.join' }],
    ['a trace id of zeros', { trace: '0'.repeat(32) }],
    ['a trace id in upper case', { trace: 'A'.repeat(32) }],
    ['a span id of 15 digits', { id: 'a'.repeat(15) }],
    ['a negative duration', { ms: -1 }],
    ['a duration of an hour', { ms: 3_600_000 }],
    ['a code of 33 characters', { code: 'x'.repeat(33) }],
    ['a time that is no time', { at: 'yesterday' }],
    ['a field that no span has', { attributes: {} }],
  ])('rejects %s', async (_name, fields) => {
    const payload = JSON.stringify({ spans: [{ ...newSpan(), ...fields }] })

    const { status } = await app.request('as.alice.trace.report', payload, 'alice')

    expect(status).toBe('400')
  })

  it('rejects a report without spans, and one with too many spans', async () => {
    for (const length of [0, maxReportedSpans + 1])
      await expect(
        app.call('trace.report', { spans: Array.from({ length }, newSpan) }, 'alice'),
      ).rejects.toMatchObject({ code: 'invalid' })
  })

  it('rejects as forbidden a call by a user whose token has no role', async () => {
    await expect(app.call('trace.report', { spans: [newSpan()] }, 'charlie')).rejects.toMatchObject(
      { code: 'forbidden' },
    )
  })

  it.each(badPayloads({ spans: [newSpan()] }))(
    'rejects invalid input: %s',
    async (_name, payload) => {
      const { status } = await app.request('as.alice.trace.report', payload, 'alice')

      expect(status).toMatch(/^4(00|13)$/)
    },
  )
})

describe('the client of the page', () => {
  const delayMs = 50

  it('reports the span of its first call of send, and of no later call if the runtime answers that no traces are exported', async () => {
    const { nc } = await app.connectAs('alice')
    const room = await app.createRoom(['alice'])
    const page = createTracedClient(
      (headers) => createClient(nc, { contracts: pageContracts, user: 'alice', headers }),
      delayMs,
    )
    onTestFinished(() => page.close())
    const reports: { spans: { name: string; code?: string }[] }[] = []
    const { nc: functions } = await app.connectAs('functions')
    const subscription = functions.subscribe('as.alice.trace.report', {
      callback: (_error, message) => void reports.push(message.json()),
    })
    onTestFinished(() => subscription.unsubscribe())
    await functions.flush()
    const send = (to = room) => page.call('send', { room: to, clientId: newClientId(), text: 'hi' })

    await page.call('room.list', {})
    await expect(send('no-such-room' as RoomId)).rejects.toMatchObject({ code: 'forbidden' })
    await expect.poll(() => reports.length).toBe(1)
    expect(reports[0]?.spans).toMatchObject([{ name: 'send', code: 'forbidden' }])

    await page.call('room.list', {})
    await send()
    await sleep(10 * delayMs)
    expect(reports).toHaveLength(1)
  })
})
