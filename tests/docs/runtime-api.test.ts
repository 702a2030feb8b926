import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Kvm } from '@nats-io/kv'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseAst } from 'vitest/node'
import { createRequester } from '#runtime/client'
import { type CommandLine, createCommandLine, run } from '../support/command-line.ts'

const root = join(import.meta.dirname, '..', '..')
const document = await readFile(join(root, 'docs', 'runtime-api.md'), 'utf8')
const token = 'a-secret'

describe('docs/runtime-api.md', () => {
  let bench: CommandLine
  let folder: string
  let nc: NatsConnection

  beforeAll(async () => {
    bench = await createCommandLine()
    await mkdir(join(root, '.cache'), { recursive: true })
    folder = await mkdtemp(join(root, '.cache', 'runtime-api-'))
    await writeExamples(folder)
    const { nats, secrets } = bench
    await bench.start(join(folder, 'functions'), [], {
      NATS_AUTH_URL: nats.urlOf('auth'),
      NATS_CALLOUT_SEED: secrets.calloutSeed,
      NATS_CALLOUT_XKEY_SEED: secrets.calloutXkeySeed,
      SHOP_TOKEN: token,
    })
    const { username, password, host } = new URL(nats.urlOf('functions'))
    nc = await connect({ servers: host, user: username, pass: password })
  })
  afterAll(async () => {
    await nc?.close()
    await bench?.[Symbol.asyncDispose]()
    if (folder) await rm(folder, { recursive: true, force: true })
  })

  async function call(subject: string, input: object) {
    const requester = createRequester(nc)
    const payload = JSON.stringify(input)
    const reply = await requester.request(`as.ada.${subject}`, payload, { timeoutMs: 10_000 })
    requester.close()
    return reply.json<Record<string, unknown>>()
  }

  async function eventAfter(subject: string, act: () => unknown) {
    const subscription = nc.subscribe(subject, { max: 1 })
    await nc.flush()
    await act()
    for await (const message of subscription)
      return { subject: message.subject, data: message.json() }
    throw new Error(`No message on ${subject}`)
  }

  const placeOrder = (item: string, count = 1) =>
    call(`order.place.${crypto.randomUUID()}`, { item, count })

  it('has a section for each export of runtime/index.ts, and for nothing else', async () => {
    const documented = [...document.matchAll(/^### (.+)$/gm)].flatMap(([, heading = '']) =>
      [...heading.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
    )

    expect(documented.toSorted()).toEqual((await exportsOf('runtime/index.ts')).toSorted())
  })

  it('has only links to headings that exist', () => {
    const anchors = [...document.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^a-z0-9 _-]/g, '')
        .replaceAll(' ', '-'),
    )
    const links = [...document.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor = '']) => anchor)

    expect(links).not.toEqual([])
    expect(links.filter((anchor) => !anchors.includes(anchor))).toEqual([])
  })

  it('has examples that compile', { timeout: 60_000 }, async () => {
    const config = { extends: join(root, 'tsconfig.json'), include: ['**/*.ts'] }
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config))

    const tsc = join(root, 'node_modules', '.bin', 'tsc')
    const compiled = await run(tsc, ['-p', folder, '--checkers', '1'])

    expect(compiled).toMatchObject({ code: 0, stdout: '' })
  })

  it('has a client example that prints the documented output', async () => {
    const [, output] = /```text\n(.*?)```/s.exec(document) ?? []

    const client = await run(process.execPath, [join(folder, 'client.ts')], {
      env: { NATS_SERVER: bench.nats.url },
      cwd: root,
    })

    expect(client).toEqual({ code: 0, stdout: output, stderr: '' })
  })

  it('has an auth callout that rejects an unknown token', async () => {
    const login = connect({ servers: bench.nats.url, token: 'another', reconnect: false })

    await expect(login).rejects.toThrow('Authorization Violation')
  })

  it('has functions that update the stock and notify the clerk after an order', async () => {
    const taken = eventAfter('deliver.clerk.notify.stock', () => {})
    const changed = await eventAfter('stock.changed.book', () => placeOrder('book', 3))

    expect(changed.data).toEqual({ count: 97 })
    expect((await taken).data).toEqual({ item: 'book', left: 97 })
  })

  it('has a schedule that publishes an event', async () => {
    const { data } = await eventAfter('report.due', () => {})

    expect(data).toEqual({ at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) })
  })

  it('has a function that publishes an event when it rejects a call without a reply subject', async () => {
    const { data } = await eventAfter('deliver.ada.rejected.order', () =>
      nc.publish('as.ada.order.place.not-a-uuid', '{}'),
    )

    expect(data).toMatchObject({ code: 'invalid', message: expect.any(String) })
  })

  it('has functions that list and erase stored orders', async () => {
    const { seq } = await placeOrder('pen', 7)

    const listed = await call('order.list', { since: Number(seq) - 1 })
    expect(listed).toEqual({
      orders: [{ seq, item: 'pen', count: 7 }],
      allBilled: expect.any(Boolean),
    })
    expect(await call('order.erase', { seq })).toEqual({ erased: true })
    expect(await call('order.erase', { seq })).toEqual({ erased: false })
    expect(await call('order.list', { since: 1_000_000 })).toMatchObject({ code: 'not_found' })
  })

  it('has functions that one call of defineFunctions defines, and a guard that rejects blocked callers', async () => {
    expect(await call('item.list', {})).toEqual(['pen', 'book', 'stamp'])
    expect(await call('item.price.book', {})).toBe(20)
    await new Kvm(nc).open('BLOCKED').then((bucket) => bucket.put('eve', '{"reason":"unpaid"}'))

    const requester = createRequester(nc)
    const reply = await requester.request('as.eve.item.list', '{}', { timeoutMs: 10_000 })
    requester.close()

    expect(reply.json()).toEqual({ code: 'forbidden', message: 'eve may not call item.list' })
  })

  it('has functions that show and resolve a dead letter', async () => {
    const deadLetter = await eventAfter('dead.order-bill', () => placeOrder('stamp'))
    expect(deadLetter.data).toMatchObject({ item: 'stamp' })

    const status = await call('shop.status', {})
    const letter = { seq: 1, reason: 'No price for stamp' }
    expect(status).toMatchObject({ deadLetters: [letter] })
    expect(status.services).toContainEqual(expect.stringMatching(/^order\.bill: \d+ requests, /))
    expect(status.failures).toContainEqual(expect.stringContaining('No price for stamp'))
    expect(await call('shop.resolve', { seq: 1, action: 'replay' })).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining(letter.reason),
    })
    expect(await call('shop.resolve', { seq: 1, action: 'discard' })).toEqual({ resolved: true })
    expect(await call('shop.resolve', { seq: 1, action: 'discard' })).toEqual({ resolved: false })
  })
})

async function writeExamples(folder: string) {
  const files = new Map<string, string>()
  for (const [, file = '', source = ''] of document.matchAll(/^```ts\n\/\/ (\S+)\n(.*?)^```$/gms))
    files.set(file, `${files.get(file) ?? ''}${source}\n`)
  const blocks = document.match(/^```ts$/gm) ?? []
  const named = document.match(/^```ts\n\/\/ \S+\.ts$/gm) ?? []
  expect(named).toHaveLength(blocks.length)
  for (const [file, source] of files) {
    await mkdir(dirname(join(folder, file)), { recursive: true })
    await writeFile(join(folder, file), source)
  }
}

async function exportsOf(file: string): Promise<string[]> {
  const { body } = parseAst(await readFile(join(root, file), 'utf8'), { lang: 'ts' })
  return body.flatMap((node) =>
    node.type === 'ExportNamedDeclaration'
      ? node.specifiers.map(({ exported }) => ('name' in exported ? exported.name : exported.value))
      : [],
  )
}
