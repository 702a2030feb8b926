import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '@nats-io/transport-node'
import * as v from 'valibot'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createClient } from '#runtime/client'
import { nodeArgs } from '../../stack/services/node.ts'
import { startProcess } from '../../stack/services/process.ts'
import type { ProcessService } from '../../stack/services/service.ts'
import type { StackUrls } from '../../stack/state.ts'
import { supervise } from '../../stack/supervise.ts'
import { createCommandLine, greet } from '../support/command-line.ts'
import { startStack } from '../support/stack-process.ts'
import { createTestUser } from '../support/test-user.ts'

describe('npm start', { timeout: 120_000 }, () => {
  let dir: string
  let stack: ProcessService

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'natter-hung-'))
    stack = await startStack(dir)
    await stack.log.line(/^ {2}runtime-2 /, { within: 90_000 })
  })
  afterAll(async () => {
    await stack?.stop()
    await rm(dir, { recursive: true, force: true })
  })

  it.each(['runtime', 'runtime-2', 'nats-server', 'issuer', 'pglite'])(
    'replaces a process that does not respond (%s), and then delivers messages again',
    async (name) => {
      const { pids } = await readStack()
      const pid = pids[name] ?? 0
      const from = stack.log.end()

      process.kill(pid, 'SIGSTOP')
      const sign = `${name} gave no sign of life for ${seconds(name)} s: replacing process ${pid}$`
      await stack.log.line(new RegExp(sign), { from, within: 100_000 })
      await stack.log.line(new RegExp(`${name} replaced`), { from, within: 100_000 })

      expect(() => process.kill(pid, 0)).toThrow('ESRCH')
      expect((await readStack()).pids[name]).not.toBe(pid)
      const urls = await readStack()
      const room = `room-${crypto.randomUUID()}`
      await expect.poll(() => createAndRead(urls, room), { timeout: 60_000 }).toContain('hello')
    },
  )

  it('answers calls while one of its runtime processes does not respond', async () => {
    const urls = await readStack()
    await using alice = await createTestUser(urls, 'alice')
    const from = stack.log.end()

    process.kill(urls.pids.runtime ?? 0, 'SIGSTOP')
    const calls = Array.from({ length: 20 }, () => alice.client.call('room.list', {}))
    await Promise.any(calls)

    await Promise.allSettled(calls)
    await stack.log.line(/runtime replaced/, { from, within: 60_000 })
  })

  const seconds = (name: string) => (name === 'pglite' ? 20 : 5)

  async function readStack(): Promise<StackUrls & { pids: Record<string, number> }> {
    return JSON.parse(await readFile(join(dir, 'stack.json'), 'utf8'))
  }
})

async function createAndRead(urls: StackUrls, room: string) {
  try {
    await using alice = await createTestUser(urls, 'alice')
    await alice.client.call('room.create', { room, name: 'A room', kind: 'public' })
    await alice.send(room, 'hello')
    const { messages } = await alice.client.call('chat.history', { room })
    return messages.map(({ text }) => text)
  } catch (error) {
    return String(error)
  }
}

const spin = `
import * as v from 'valibot'
import { defineFunction } from '#runtime'

const contract = { subject: 'spin', audience: ['everyone'], input: v.object({}), output: v.object({}) }

export default defineFunction(contract, () => {
  for (;;) {}
})
`

const contracts = {
  greet: {
    subject: 'greet.{name}',
    audience: ['everyone'],
    input: v.object({ name: v.string() }),
    output: v.object({ pid: v.number() }),
    timeoutMs: 1000,
  },
  spin: {
    subject: 'spin',
    audience: ['everyone'],
    input: v.object({}),
    output: v.object({}),
    timeoutMs: 1000,
  },
} as const

describe('an endless loop in a function', { timeout: 60_000 }, () => {
  it.each([
    ['a supervised runtime', [], /"msg":"ready"/],
    [
      'runtime start --instances',
      ['--instances', '2'],
      /instance gave no sign of life, killing it/,
    ],
  ])('makes the supervisor replace the process of the function (in %s)', async (_, args, sign) => {
    await using bench = await createCommandLine()
    const functions = await bench.write({ 'greet.ts': greet, 'spin.ts': spin })
    const runtime = await bench.start(functions, args)
    superviseForTest(runtime)
    const { host, username: user, password: pass } = new URL(bench.nats.urlOf('functions'))
    const nc = await connect({ servers: host, user, pass })
    onTestFinished(() => nc.close())
    const client = createClient(nc, { contracts, user: 'ada' })
    const { pid } = await client.call('greet', { name: 'you' })
    const from = runtime.log.end()

    const hung = client.call('spin', {}).catch((error) => error)
    await runtime.log.line(sign, { from, within: 30_000 })

    expect(await hung).toMatchObject({ code: 'timeout' })
    const greeting = () => client.call('greet', { name: 'you' }).catch((error) => error)
    await expect.poll(greeting, { timeout: 30_000 }).toMatchObject({ pid: expect.any(Number) })
    if (args.length === 0) expect(await greeting()).not.toMatchObject({ pid })
  })
})

describe('a process with a debugger', () => {
  it('is not replaced while it is paused', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'natter-debugged-'))
    onTestFinished(() => rm(dir, { recursive: true, force: true }))
    const idle = `setInterval(() => {}, 1e6)
process.on('message', () => console.log('pinged'))
console.log('ready')`
    const script = join(dir, 'idle.mjs')
    await writeFile(script, idle)
    const [debugged, plain] = await Promise.all([
      start('debugged', ['--inspect=0']),
      start('plain', []),
    ])
    const pid = debugged.pid
    const replaced = superviseForTest(plain)
    superviseForTest(debugged)

    await debugged.log.line(/^pinged$/, { within: 20_000 })
    for (const service of [debugged, plain]) await service.kill('SIGSTOP')
    await replaced

    expect(debugged.pid).toBe(pid)

    async function start(name: string, flags: string[]) {
      const service = await startProcess({
        dir,
        name,
        isNode: true,
        hungAfterMs: 2000,
        command: () => ({
          file: process.execPath,
          args: [...flags, ...nodeArgs(script)],
          env: process.env,
        }),
        ready: async (log, from, signal) => log.line(/^ready$/, { from, signal, within: 20_000 }),
      })
      onTestFinished(() => service.kill('SIGKILL'))
      return service
    }
  })
})

function superviseForTest(service: ProcessService) {
  const ended = new AbortController()
  onTestFinished(() => ended.abort())
  return new Promise<void>((resolve, reject) => {
    supervise(service, {
      log: () => {},
      onRestart: resolve,
      onGiveUp: (reason) => reject(new Error(reason)),
      signal: ended.signal,
    })
  })
}
