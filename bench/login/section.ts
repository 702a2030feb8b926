import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type BenchFixture, startFixture, withoutDatabase } from '../fixture.ts'
import {
  goalLine,
  type Line,
  measureRounds,
  median,
  type Options,
  rowLines,
  type Section,
  takeSample,
  toRatios,
} from '../measure.ts'
import { startWorker, type Worker } from '../worker.ts'
import { clientId, type Issuer, startIssuer } from './issuer.ts'
import type { ResponderName, ResponderOptions } from './responders.ts'

const module = new URL('worker.ts', import.meta.url)

const floor = 'node:crypto alone'
const unchecked = 'node:crypto alone, no check'
const library = '@nats-io/jwt and nkeys'
const natter = 'Natter auth.callout'

const stormClients = 2_000
const maxStormSeconds = 5
/** The row `library` is left out, because it would take 90 seconds. */
const stormRows = [floor, natter]

interface Responder {
  port: number
  readCpu(): Promise<number>
}

export async function measureLogins(options: Options): Promise<Section[]> {
  await using stack = new AsyncDisposableStack()
  const issuer = stack.use(await startIssuer())
  const startBaseline = async (name: ResponderName) =>
    serveBaseline(name, stack.use(await startFixture()), issuer)
  const responders = new Map<string, Responder>([
    [floor, await startBaseline('floor')],
    [unchecked, await startBaseline('unchecked')],
    [library, await startBaseline('library')],
    [natter, await serveNatter(stack.use(await startFixture()), issuer)],
  ])
  const load = stack.use(await startWorker(module))
  await load.call('createTokens', { issuer: issuer.url, privateKeyPem: issuer.privateKeyPem })

  const find = (row: string) => {
    const responder = responders.get(row)
    if (!responder) throw new Error(`No responder is running for the row "${row}"`)
    return responder
  }
  function measure(row: string, depth: number) {
    const { port, readCpu } = find(row)
    const { seconds } = options
    // The responder `library` is slow: with many parallel logins, some exceed the NATS server's
    // timeout and are rejected.
    const mayReject = row === library
    return takeSample(readCpu, () => load.call('run', { port, depth, seconds, mayReject }))
  }

  const rows = [...responders.keys()]
  for (const row of rows) await measure(row, 1)
  const single = await measureRounds(rows, options, (row) => measure(row, 1))
  const parallel = await measureRounds(rows, options, (row) => measure(row, 64))
  const storms = await measureStorms(load, find, options)
  const goal = (against: string, title: string, must: number) =>
    goalLine(parallel, { title, row: natter, base: against, figure: 'rate', must })
  return [
    {
      title: 'A login: rate, time, processor time of the responder',
      lines: [
        ...rowLines(single, floor, ', 1 at a time'),
        ...rowLines(parallel, floor, ', 64 in parallel'),
        ...storms.rows,
        goal(floor, 'Natter ÷ node:crypto, 64 in parallel', 0.85),
        goal(library, 'Natter ÷ the NATS libraries, 64 in parallel', 40),
        ...storms.goals,
      ],
    },
  ]
}

async function measureStorms(
  load: Worker,
  find: (row: string) => Responder,
  { rounds }: Options,
): Promise<{ rows: Line[]; goals: Line[] }> {
  const seconds: Record<string, number[]> = { [floor]: [], [natter]: [] }
  const rejections: Record<string, number[]> = { [floor]: [], [natter]: [] }
  for (let round = 0; round < rounds; round += 2) {
    for (const row of stormRows) {
      const storm = await load.call<{ seconds: number; failures: number }>('storm', {
        port: find(row).port,
        clients: stormClients,
      })
      seconds[row]?.push(storm.seconds)
      rejections[row]?.push(storm.failures)
    }
  }
  const { [natter]: natterSeconds = [], [floor]: floorSeconds = [] } = seconds
  const { [natter]: natterRejections = [] } = rejections
  const title = `${stormClients.toLocaleString('en')} clients at once`
  return {
    rows: stormRows.map((row) => {
      const { [row]: values = [] } = seconds
      return {
        name: `${row}, ${title}`,
        value: `${median(values).toFixed(2)} s  ${median(rejections[row] ?? [])} rejected`,
        base: `${floor}, time`,
        ratios: toRatios(values, floorSeconds),
      }
    }),
    goals: [
      {
        name: `${title}: all connected`,
        value: `${median(natterSeconds).toFixed(2)} s`,
        base: `${maxStormSeconds} s`,
        ratios: natterSeconds.map((value) => value / maxStormSeconds),
        goal: { must: 1, better: 'less' },
      },
      {
        name: `${title}: rejected logins`,
        value: String(median(natterRejections)),
        base: 'none',
        ratios: natterRejections,
        goal: { must: 0, better: 'less' },
      },
    ],
  }
}

async function serveBaseline(
  name: ResponderName,
  fixture: BenchFixture,
  { publicKeyPem }: Issuer,
): Promise<Responder> {
  const { nats, secrets } = fixture
  const { calloutSeed, calloutXkeySeed: xkeySeed } = secrets
  const options: ResponderOptions = {
    url: nats.urlOf('auth'),
    calloutSeed,
    xkeySeed,
    publicKeyPem,
  }
  const worker = await fixture.startWorker(module)
  await worker.call('respond', { name, options })
  return { port: nats.ports.nats, readCpu: () => worker.call<number>('cpu') }
}

async function serveNatter(fixture: BenchFixture, { url }: Issuer): Promise<Responder> {
  await fixture.serve(await writeProductFunctions(fixture.dir), {
    ...withoutDatabase,
    OIDC_ISSUER: url,
    OIDC_CLIENT_IDS: clientId,
  })
  const { readCpu } = await fixture.connect()
  return { port: fixture.nats.ports.nats, readCpu }
}

/**
 * Creates a folder with files that re-export all functions of Natter, because a user's permissions
 * depend on the served functions. Leaves out `_setup`, which would wait for a database.
 */
async function writeProductFunctions(dir: string): Promise<string> {
  const folder = join(dir, 'product')
  const product = join(import.meta.dirname, '..', '..', 'functions')
  const files = (await readdir(product)).filter((file) => !file.startsWith('_'))
  await mkdir(folder)
  const paths = [
    ...files.map((file) => join(product, file)),
    join(import.meta.dirname, '..', 'functions', 'bench.cpu.ts'),
  ]
  for (const path of paths) {
    const source = `export { default } from '${pathToFileURL(path)}'\n`
    await writeFile(join(folder, basename(path)), source)
  }
  return folder
}
