import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRequester } from '#runtime/client'
import { type CommandLine, createCommandLine, runtime } from '../support/command-line.ts'

const folder = join(import.meta.dirname, '..', '..', 'examples')
const document = await readFile(join(folder, 'README.md'), 'utf8')
const commands = [...document.matchAll(/^npm run runtime -- (?!start)(.+)$/gm)].map(
  ([, args = '']) => [...args.matchAll(/'([^']*)'|\S+/g)].map(([word, quoted]) => quoted ?? word),
)

let bench: CommandLine
let nc: NatsConnection

beforeAll(async () => {
  bench = await createCommandLine()
  nc = await bench.connect()
  await bench.start(folder)
})
afterAll(() => bench?.[Symbol.asyncDispose]())

async function eventAfter(subject: string, act: () => unknown) {
  const subscription = nc.subscribe(subject, { max: 1 })
  await nc.flush()
  await act()
  for await (const message of subscription) return message.json()
  throw new Error(`No message on ${subject}`)
}

async function call(subject: string, input: object) {
  const requester = createRequester(nc)
  const reply = await requester.request(`as.ada.${subject}`, JSON.stringify(input), {
    timeoutMs: 10_000,
  })
  requester.close()
  return reply.json<Record<string, unknown>>()
}

describe('examples/', () => {
  it('has a README with commands that print the results that it names', async () => {
    const [, named = ''] = /The first four commands print (.+)\. After/s.exec(document) ?? []
    const answers = [...named.matchAll(/`([^`]+)`/g)].map(([, answer = '']) => JSON.parse(answer))
    const results: unknown[] = []

    for (const args of commands.slice(0, 4)) {
      const { stdout, stderr } = await runtime(args, { env: { NATS_URL: bench.nats.urlOf('ops') } })
      expect(stderr).toBe('')
      results.push(JSON.parse(stdout))
    }

    expect(results).toEqual([...answers, answers.at(-1)])
    const list = async () =>
      (await runtime(commands[4] ?? [], { env: { NATS_URL: bench.nats.urlOf('ops') } })).stdout
    await expect.poll(list, { timeout: 10_000 }).toMatch(/parcels\.p-2\.sent.*no such place/s)
  })

  it('has a README that lists all functions', async () => {
    const { stdout } = await runtime(['check', folder, '--json'])

    const listed = [...document.matchAll(/^\| \[([\w.]+)\]/gm)].map(([, file = '']) =>
      basename(file, '.ts'),
    )
    const { functions } = JSON.parse(stdout) as { functions: { name: string }[] }
    expect(listed.toSorted()).toEqual(functions.map(({ name }) => name).toSorted())
  })

  it('has a function that counts concurrent calls correctly, and publishes the new count', async () => {
    const name = crypto.randomUUID()
    const counts = await Promise.all([1, 2, 3].map(() => call(`tally.add.${name}`, {})))

    expect(counts.map(({ count }) => count).toSorted()).toEqual([1, 2, 3])
    expect(await eventAfter(`tally.changed.${name}`, () => call(`tally.add.${name}`, {}))).toEqual({
      count: expect.any(Number),
    })
  })

  it('has a function that streams a countdown', async () => {
    const requester = createRequester(nc)
    const chunks: unknown[] = []
    const reply = await requester.stream('as.ada.countdown', JSON.stringify({ from: 3 }), {
      timeoutMs: 15_000,
      onChunk: (chunk) => chunks.push(chunk.json()),
    })
    requester.close()

    expect(chunks).toEqual([{ left: 3 }, { left: 2 }, { left: 1 }])
    expect(reply.json()).toEqual({ done: true })
  })

  it('has functions that deliver a parcel, and report a second send of it as a duplicate', async () => {
    const id = crypto.randomUUID()
    const send = () => call(`parcel.send.${id}`, { to: 'Ada' })

    expect(await eventAfter(`parcel.delivered.${id}`, send)).toEqual({ to: 'Ada' })
    expect(await send()).toEqual({ duplicate: true })
  })

  it('has a function that publishes an event on a schedule', async () => {
    expect(await eventAfter('clock.ticked', () => {})).toEqual({
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    })
  })
})
