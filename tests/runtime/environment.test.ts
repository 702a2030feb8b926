import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CommandLine, createCommandLine, runtime } from '../support/command-line.ts'

const source = `
import * as v from 'valibot'
import { defineFunction } from '#runtime'

const reveal = {
  subject: 'reveal',
  audience: ['everyone'],
  input: v.object({}),
  output: v.object({ env: v.string(), setup: v.string(), inherited: v.boolean() }),
}

export default defineFunction(
  reveal,
  (_input, { env }) => ({
    env: env.SHOP_KEY,
    setup: globalThis.setupKey,
    inherited: 'SHOP_KEY' in process.env,
  }),
  { env: v.object({ SHOP_KEY: v.string() }) },
)
`
const setup = 'export default ({ env }) => { globalThis.setupKey = env.SHOP_KEY }'

let bench: CommandLine
let folder: string
let dir: string

beforeAll(async () => {
  bench = await createCommandLine()
  folder = await bench.write({ 'reveal.ts': source, '_setup.ts': setup })
  dir = await mkdtemp(join(tmpdir(), 'natter-secrets-'))
})

afterAll(async () => {
  await rm(dir, { recursive: true, force: true })
  await bench?.[Symbol.asyncDispose]()
})

async function file(content: string) {
  const path = join(dir, crypto.randomUUID())
  await writeFile(path, content)
  return path
}

describe('the environment variable NAME_FILE', () => {
  it('sets NAME for functions and _setup.ts to the content of the file, without the trailing newline', async () => {
    const env = {
      NATS_URL: '',
      NATS_URL_FILE: await file(`${bench.nats.urlOf('functions')}\n`),
      SHOP_KEY_FILE: await file('open sesame\r\n'),
    }
    await using _ = await bench.start(folder, [], env)

    const { stdout } = await runtime(['call', 'reveal', '{}', '--as', 'ada', '--json'], { env })

    const expected = { env: 'open sesame', setup: 'open sesame', inherited: false }
    expect(JSON.parse(stdout)).toMatchObject(expected)
  })

  it('sets NAME in each of several instances', async () => {
    const NATS_URL_FILE = await file(bench.nats.urlOf('functions'))
    const env = { NATS_URL: '', NATS_URL_FILE, SHOP_KEY_FILE: await file('open sesame') }
    await using service = await bench.start(folder, ['--instances', '2'], env)

    // This line is logged once all instances are ready. Without SHOP_KEY, which the function needs,
    // an instance would not start.
    await service.log.line(/"instances":2/, { within: 10_000 })
  })

  it.each(['NATS_URL', 'NATS_AUTH_URL', 'NATS_CALLOUT_SEED', 'SHOP_KEY'])(
    'is rejected if NAME itself is also set (here, NAME is %s)',
    async (name) => {
      const secret = 'nats://user:secret@127.0.0.1:1'
      const { code, stderr } = await start({ [name]: secret, [`${name}_FILE`]: await file(secret) })

      expect(code).toBe(1)
      expect(stderr).toContain(`${name} and ${name}_FILE are both set: unset one of them`)
      expect(stderr).not.toContain('secret@')
    },
  )

  it('is rejected with an error that names the path if the file cannot be read or is empty', async () => {
    const missing = join(dir, 'missing')
    const empty = await file('\n')

    expect(await start({ SHOP_KEY_FILE: missing })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(
        `SHOP_KEY_FILE is "${missing}", which cannot be read: ENOENT`,
      ),
    })
    expect(await start({ SHOP_KEY_FILE: dir })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`SHOP_KEY_FILE is "${dir}", which cannot be read: EISDIR`),
    })
    expect(await start({ SHOP_KEY_FILE: empty })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`SHOP_KEY_FILE is "${empty}", which is empty`),
    })
  })

  it('is ignored if no function needs NAME, so that a file that does not exist causes no error', async () => {
    const env = { NATS_URL: bench.nats.urlOf('functions'), SHOP_KEY: 'open sesame' }
    await using _ = await bench.start(folder, [], { ...env, SSL_CERT_FILE: join(dir, 'missing') })
  })
})

function start(env: Record<string, string>) {
  return runtime(['start', folder, '--no-supervisor'], { env })
}
