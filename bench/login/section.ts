import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createRequester } from '../../runtime/client/index.ts'
import { connectTo } from '../connect.ts'
import { type BenchFixture, startFixture } from '../fixture.ts'
import type { LoopResult } from '../loop.ts'
import {
  goalLine,
  type Line,
  measureRounds,
  median,
  type Options,
  rowLines,
  type Section,
} from '../measure.ts'
import { startWorker, type Worker } from '../worker.ts'
import { clientId, type Issuer, startIssuer } from './issuer.ts'
import type { ResponderName, Setting } from './responders.ts'

const module = new URL('worker.ts', import.meta.url)

const floor = 'node:crypto alone'
const unchecked = 'node:crypto alone, no check'
const library = '@nats-io/jwt and nkeys'
const natter = 'Natter auth.callout'
const stormClients = 2_000
const stormSeconds = 5

/** Who answers, on a server of its own. */
interface Responder {
  port: number
  cpu(): Promise<number>
}

/** A login: CONNECT with an access token, until the server has let the client in. */
export async function measureLogins(options: Options): Promise<Section[]> {
  await using started = new AsyncDisposableStack()
  const issuer = started.use(await startIssuer())
  const start = async (answer: typeof startNatter) => {
    const ground = started.use(await startFixture())
    return answer(ground, issuer)
  }
  const responders = new Map<string, Responder>([
    [floor, await start((ground) => startOther('floor', ground, issuer))],
    [unchecked, await start((ground) => startOther('unchecked', ground, issuer))],
    [library, await start((ground) => startOther('library', ground, issuer))],
    [natter, await start(startNatter)],
  ])
  const load = started.use(await startWorker(module))
  await load.ask('prepare', { issuer: issuer.url, privateKeyPem: issuer.privateKeyPem })

  async function measure(name: string, depth: number) {
    const { port, cpu } = find(name)
    const before = await cpu()
    const { seconds } = options
    // Where many wait, the library takes longer than the server gives a login.
    const mayRefuse = name === library
    const result = await load.ask<LoopResult>('run', { port, depth, seconds, mayRefuse })
    const spent = (await cpu()) - before
    const { count, p50, p99 } = result
    return { rate: count / result.seconds, p50, p99, cpu: spent / count }
  }
  const find = (name: string) => {
    const responder = responders.get(name)
    if (!responder) throw new Error(`Nobody answers as "${name}"`)
    return responder
  }

  const names = [...responders.keys()]
  for (const name of names) await measure(name, 1)
  const single = await measureRounds(names, options, (name) => measure(name, 1))
  const many = await measureRounds(names, options, (name) => measure(name, 64))
  const storms = await measureStorms(load, find, options)
  return [
    {
      title: 'A login: rate, time, processor time of the responder',
      lines: [
        ...rowLines(single, floor, ', 1 at once'),
        ...rowLines(many, floor, ', 64 at once'),
        ...storms.rows,
        goalLine(many, natter, floor, 'rate', {
          title: 'beside the floor, 64 at once',
          must: 0.85,
          better: 'more',
        }),
        goalLine(many, natter, library, 'rate', {
          title: 'beside the library, 64 at once',
          must: 40,
          better: 'more',
        }),
        ...storms.goals,
      ],
    },
  ]
}

/** Every other round. The library is left out: at its rate, two thousand take a minute and a half. */
async function measureStorms(
  load: Worker,
  find: (name: string) => Responder,
  { rounds }: Options,
): Promise<{ rows: Line[]; goals: Line[] }> {
  const seconds: Record<string, number[]> = { [floor]: [], [natter]: [] }
  const failures: Record<string, number[]> = { [floor]: [], [natter]: [] }
  for (let round = 0; round < rounds; round += 2) {
    for (const name of [floor, natter]) {
      const storm = await load.ask<{ seconds: number; failures: number }>('storm', {
        port: find(name).port,
        clients: stormClients,
      })
      seconds[name]?.push(storm.seconds)
      failures[name]?.push(storm.failures)
    }
  }
  const { [natter]: ours = [], [floor]: theirs = [] } = seconds
  const { [natter]: failed = [] } = failures
  const storm = `${stormClients} clients at once`
  return {
    rows: [floor, natter].map((name) => ({
      name: `${name}, ${storm}`,
      value: `${median(seconds[name] ?? []).toFixed(2)} s  ${median(failures[name] ?? [])} refused`,
      base: `${floor}, time`,
      ratios: (seconds[name] ?? []).map((it, round) => it / (theirs[round] ?? Number.NaN)),
    })),
    goals: [
      {
        name: `${storm} are in`,
        value: `${median(ours).toFixed(2)} s`,
        base: `${stormSeconds} s`,
        ratios: ours.map((it) => it / stormSeconds),
        goal: { title: '', must: 1, better: 'less' },
      },
      {
        name: `${storm}: refused and tried again`,
        value: String(median(failed)),
        base: 'none',
        ratios: failed,
        goal: { title: '', must: 0, better: 'less' },
      },
    ],
  }
}

async function startOther(
  name: ResponderName,
  ground: BenchFixture,
  { publicKeyPem }: Issuer,
): Promise<Responder> {
  const { calloutSeed, calloutXkeySeed: xkeySeed } = ground.secrets
  const setting: Setting = { url: ground.nats.urlOf('auth'), calloutSeed, xkeySeed, publicKeyPem }
  const worker = ground.use(await startWorker(module))
  await worker.ask('respond', { name, setting })
  return { port: ground.nats.ports.nats, cpu: () => worker.ask<number>('cpu') }
}

async function startNatter(ground: BenchFixture, { url }: Issuer): Promise<Responder> {
  await ground.serve(await writeProduct(ground.dir), {
    OIDC_ISSUER: url,
    OIDC_CLIENT_IDS: clientId,
    // Nobody listens there, and nobody asks for it: logging in needs no database.
    DATABASE_URL: 'postgres://bench@127.0.0.1:1/bench',
  })
  const nc = await connectTo(ground.nats.urlOf('functions'), 'bench')
  ground.use({ [Symbol.asyncDispose]: () => nc.close() })
  const requester = createRequester(nc)
  return {
    port: ground.nats.ports.nats,
    async cpu() {
      const reply = await requester.request('bench.cpu', '{}', { timeoutMs: 5_000 })
      return reply.json<{ cpu: number }>().cpu
    },
  }
}

/**
 * A folder with all functions of the product, since what a user may do is derived from them; but not
 * its `_setup`, which waits for a database.
 */
async function writeProduct(dir: string): Promise<string> {
  const folder = join(dir, 'product')
  const product = join(import.meta.dirname, '..', '..', 'functions')
  const files = (await readdir(product)).filter((file) => !file.startsWith('_'))
  await mkdir(folder)
  const served = [
    ...files.map((file) => join(product, file)),
    join(import.meta.dirname, '..', 'functions', 'bench.cpu.ts'),
  ]
  for (const path of served)
    await writeFile(
      join(folder, basename(path)),
      `export { default } from '${pathToFileURL(path)}'\n`,
    )
  return folder
}
