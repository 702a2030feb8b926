import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { findNatsServer } from '../../stack/install/nats-server.ts'
import { createSecrets, type Secrets } from '../../stack/secrets.ts'
import { type NatsService, startNats } from '../../stack/services/nats.ts'
import { startRuntimeService } from '../../stack/services/runtime.ts'
import type { ProcessService } from '../../stack/services/service.ts'

const root = join(import.meta.dirname, '..', '..')
export const bin = join(root, 'runtime', 'bin.mjs')

export interface CommandResult {
  code: number | null
  stdout: string
  stderr: string
}

export interface RunOptions {
  env?: Record<string, string>
  stdin?: string
  cwd?: string
}

export async function run(
  file: string,
  args: string[],
  options: RunOptions = {},
): Promise<CommandResult> {
  const { NATS_URL: _, NATTER_STATE: __, ...inherited } = process.env
  const env = { ...inherited, ...options.env }
  const child = spawn(file, args, { env, cwd: options.cwd, stdio: 'pipe' })
  child.stdin.end(options.stdin)
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject).on('close', resolve)
  })
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  return { code, stdout, stderr }
}

export function runtime(args: string[], options?: RunOptions): Promise<CommandResult> {
  return run(process.execPath, [bin, ...args], options)
}

export interface CommandLine extends AsyncDisposable {
  nats: NatsService
  secrets: Secrets
  /** Writes a new folder inside the project, because the import `#runtime` works only there. */
  write(files: Record<string, string>): Promise<string>
  /** Connects with the permissions of functions. The connection reconnects without limit. */
  connect(): Promise<NatsConnection>
  start(
    folders: string | string[],
    args?: string[],
    env?: Record<string, string>,
  ): Promise<ProcessService>
}

export async function createCommandLine(): Promise<CommandLine> {
  await using made = new AsyncDisposableStack()
  const dir = await mkdtemp(join(tmpdir(), 'natter-cli-'))
  made.defer(() => rm(dir, { recursive: true, force: true }))
  const secrets = createSecrets()
  const nats = made.use(await startNats({ dir, binary: await findNatsServer(), secrets }))
  let count = 0
  const all = made.move()
  return {
    nats,
    secrets,
    write: (files) => writeFolder(files, all),
    async connect() {
      const { username, password, host } = new URL(nats.urlOf('functions'))
      const nc = await connect({
        servers: host,
        user: username,
        pass: password,
        reconnectTimeWait: 100,
        maxReconnectAttempts: -1,
      })
      all.defer(() => nc.close())
      return nc
    },
    async start(folders, args = [], given = {}) {
      const env = { NATS_URL: nats.urlOf('functions'), ...given }
      return all.use(
        await startRuntimeService({
          dir,
          env,
          folders: [folders].flat(),
          args,
          name: `runtime-${++count}`,
        }),
      )
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

/** Writes files to a new folder, which is deleted when `owner` is disposed. */
export async function writeFolder(
  files: Record<string, string>,
  owner: AsyncDisposableStack,
): Promise<string> {
  const cache = join(root, '.cache')
  await mkdir(cache, { recursive: true })
  const folder = await mkdtemp(join(cache, 'functions-'))
  owner.defer(() => rm(folder, { recursive: true, force: true }))
  for (const [name, source] of Object.entries(files)) {
    await mkdir(join(folder, dirname(name)), { recursive: true })
    await writeFile(join(folder, name), source)
  }
  return folder
}

export const greet = `
import { setTimeout } from 'node:timers/promises'
import * as v from 'valibot'
import { defineFunction, FunctionError } from '#runtime'

const contract = {
  subject: 'greet.{name}',
  audience: ['everyone'],
  description: 'Greets somebody by name',
  input: v.object({
    name: v.string(),
    takesMs: v.optional(v.number()),
    ends: v.optional(v.picklist(['refused', 'thrown'])),
  }),
  output: v.object({ text: v.string(), by: v.string(), pid: v.number() }),
  errors: ['not_found'],
}

const begun = { subject: 'begun.{name}', data: v.object({ name: v.string() }) }

export default defineFunction(
  contract,
  async ({ name, takesMs = 0, ends }, context) => {
    context.publish(begun, { name })
    await setTimeout(takesMs)
    if (ends === 'refused') throw new FunctionError('not_found', 'There is no ' + name)
    if (ends === 'thrown') throw new Error('A fault')
    return { text: 'hello ' + name, by: context.caller, pid: process.pid }
  },
  { version: '1.2.3' },
)
`

export const add = `
import * as v from 'valibot'
import { defineFunction } from '#runtime'

const contract = {
  subject: 'room.members.add',
  audience: ['functions'],
  input: v.object({ a: v.number(), b: v.number() }),
  output: v.object({ sum: v.number() }),
}

export default defineFunction(contract, ({ a, b }) => ({ sum: a + b }))
`

export const hear = `
import * as v from 'valibot'
import { defineFunction, event } from '#runtime'

const told = { subject: 'told.{what}', data: v.object({ what: v.string() }) }

export default defineFunction(event(told, { queue: 'hearers' }), async () => {})
`
