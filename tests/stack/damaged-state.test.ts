import { randomBytes } from 'node:crypto'
import { cp, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { output } from '../../stack/install/command.ts'
import { findNatsServer } from '../../stack/install/nats-server.ts'
import { createSecrets, readSecrets } from '../../stack/secrets.ts'
import { startNats } from '../../stack/services/nats.ts'
import { startOidcProvider } from '../../stack/services/oidc-provider.ts'
import { startPglite } from '../../stack/services/pglite.ts'
import type { ProcessService } from '../../stack/services/service.ts'

const secrets = createSecrets()
let template: string

beforeAll(async () => {
  template = await mkdtemp(join(tmpdir(), 'natter-template-'))
  readSecrets(join(template, 'secrets.json'))
  await using issuer = await startIssuer(template)
  expect(issuer.url).toContain('/realms/')
  await using pglite = await startPglite({ dir: template })
  const sql = postgres(pglite.url, { max: 1 })
  await sql`create table notes as select 1 as id`
  await sql.end()
  await using nats = await startServer(template)
  const nc = await connectTo(nats.url)
  const manager = await jetstreamManager(nc)
  await manager.streams.add({ name: 'NOTES', subjects: ['notes'] })
  await jetstream(nc).publish('notes', 'a note')
  await nc.close()
})
afterAll(() => rm(template, { recursive: true, force: true }))

const startIssuer = (dir: string) => startOidcProvider({ dir })
const startDatabase = (dir: string) => startPglite({ dir })
const startServer = async (dir: string) =>
  startNats({ dir, binary: await findNatsServer(), secrets })

const stream = 'nats/jetstream/FUNCTIONS/streams/NOTES'

const damages = {
  noise: async (file: string) => writeFile(file, randomBytes((await readFile(file)).length)),
  emptied: (file: string) => truncate(file, 0),
  deleted: (file: string) => rm(file),
}

describe('damaged state', { timeout: 120_000 }, () => {
  it.each([
    ['issuer/issuer.db', 'noise', startIssuer, 'issuer/issuer.db'],
    ['issuer/keys.json', 'noise', startIssuer, 'issuer/keys.json'],
    ['issuer/keys.json', 'emptied', startIssuer, 'issuer/keys.json'],
    ['pglite/PG_VERSION', 'noise', startDatabase, 'pglite'],
    ['pglite/global/pg_control', 'emptied', startDatabase, 'pglite'],
    ['pglite/base/5/1259', 'noise', startDatabase, 'pglite'],
    [`${stream}/meta.inf`, 'noise', startServer, `${stream}/meta.inf`],
    [`${stream}/meta.inf`, 'deleted', startServer, `${stream}/meta.inf`],
    [`${stream}/meta.sum`, 'emptied', startServer, `${stream}/meta.inf`],
    [`${stream}/meta.sum`, 'deleted', startServer, `${stream}/meta.sum`],
  ] as const)(
    'in %s (damage: %s) is reported with its path, its cause and the command that helps',
    async (file, damage, start, path) => {
      const dir = await givenCopy()
      await damages[damage](join(dir, file))

      const problem = await messageOf(start(dir))

      expect(problem).toMatch(new RegExp(`${join(dir, path)} is damaged: \\S.{8}`))
      expect(Math.max(...problem.split('\n').map(({ length }) => length))).toBeLessThan(400)
      expect(problem.split('\n').length).toBeLessThan(12)
      // In the error message, the command is the only indented line.
      const [, command = ''] = /^ {2}(\S.*)$/m.exec(problem) ?? []
      await output('sh', ['-c', command])
      await (await start(dir))[Symbol.asyncDispose]()
    },
  )

  it('is reported at the start even in pages of the issuer database that are only read later', async () => {
    const dir = await givenCopy()
    const file = join(dir, 'issuer', 'issuer.db')
    const content = await readFile(file)
    await writeFile(
      file,
      Buffer.concat([content.subarray(0, 4096), randomBytes(content.length - 4096)]),
    )

    expect(await messageOf(startIssuer(dir))).toContain(`${file} is damaged: `)
  })

  it.each(['issuer', 'pglite'])(
    'is reported if there is a file in place of the folder %s',
    async (name) => {
      const dir = await givenCopy()
      await rm(join(dir, name), { recursive: true })
      await writeFile(join(dir, name), '')

      const problem = await messageOf(name === 'issuer' ? startIssuer(dir) : startDatabase(dir))

      expect(problem).toContain(join(dir, name))
      expect(problem).toMatch(/file already exists|it is not a folder/)
    },
  )

  it('does not prevent the start of nats-server if the server can rebuild the damaged file', async () => {
    const dir = await givenCopy()
    await damages.noise(join(dir, stream, 'msgs', 'index.db'))

    await using nats = await startServer(dir)

    const nc = await connectTo(nats.url)
    onTestFinished(() => nc.close())
    const { state } = await (await jetstreamManager(nc)).streams.info('NOTES')
    expect(state.messages).toBe(1)
  })
})

async function givenCopy() {
  const parent = await mkdtemp(join(tmpdir(), 'natter damaged-'))
  onTestFinished(() => rm(parent, { recursive: true, force: true }))
  const dir = join(parent, 'state')
  await cp(template, dir, { recursive: true })
  return dir
}

async function messageOf(starting: Promise<ProcessService>): Promise<string> {
  try {
    await (await starting)[Symbol.asyncDispose]()
  } catch (error) {
    return String(error)
  }
  throw new Error('It has started')
}

const connectTo = (servers: string) =>
  connect({ servers, user: 'functions', pass: secrets.functionsPassword })
