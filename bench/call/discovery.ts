/**
 * Times NATS service discovery: the answers of 100 functions to INFO after the start of the runtime,
 * and the answer to PING while a function is busy.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { connectTo } from '../connect.ts'
import type { BenchFixture } from '../fixture.ts'
import { type Line, median, type Options, type Section } from '../measure.ts'
import type { CallTargets } from './section.ts'

const functionCount = 100
const maxInfoMs = 1_000
const maxPingMs = 20

export async function measureDiscovery(
  fixture: BenchFixture,
  targets: CallTargets,
  { rounds }: Options,
): Promise<Section> {
  const folder = await writeFunctions(fixture.dir)
  const starts: number[] = []
  const pings: number[] = []
  for (let round = 0; round < rounds; round++) starts.push(await timeStart(fixture, folder))
  for (let round = 0; round < rounds; round++) pings.push(await timeBusyPing(targets))
  return {
    title: 'Service discovery',
    lines: [
      line(`5. ${functionCount} functions answer INFO after the start of Node`, starts, maxInfoMs),
      line('5. PING, with 128 calls running and 100 queued', pings, maxPingMs),
    ],
  }
}

function line(name: string, times: number[], limit: number): Line {
  return {
    name,
    value: `${median(times).toFixed(1)} ms`,
    base: `${limit} ms`,
    ratios: times.map((ms) => ms / limit),
    goal: { must: 1, better: 'less' },
  }
}

async function writeFunctions(dir: string) {
  const folder = join(dir, 'hundred')
  await mkdir(folder)
  const contracts = pathToFileURL(join(import.meta.dirname, '..', 'functions', '_contracts.ts'))
  const runtime = pathToFileURL(join(import.meta.dirname, '..', '..', 'runtime', 'index.ts'))
  for (let count = 0; count < functionCount; count++) {
    const name = `hundred.echo-${count}`
    const source = `import { defineFunction } from '${runtime}'
import { benchEcho } from '${contracts}'

export default defineFunction({ ...benchEcho, subject: '${name}' }, async (payload) => payload)
`
    await writeFile(join(folder, `${name}.ts`), source)
  }
  return folder
}

async function timeStart(fixture: BenchFixture, folder: string): Promise<number> {
  const nc = await connectTo(fixture.url, 'bench')
  const reply = '_INBOX.hundred'
  const names = new Set<string>()
  const allAnswered = Promise.withResolvers<number>()
  nc.subscribe(reply, {
    callback(_error, message) {
      // While no service has subscribed, the NATS server answers the request itself, with an empty
      // payload.
      if (message.data.length === 0) return
      const { name } = message.json<{ name: string }>()
      if (name.startsWith('hundred-')) names.add(name)
      if (names.size === functionCount) allAnswered.resolve(performance.now())
    },
  })
  const started = performance.now()
  const requests = setInterval(() => nc.publish('$SRV.INFO', '', { reply }), 20)
  const serving = fixture.serve(folder)
  try {
    const ended = await Promise.race([allAnswered.promise, serving.then(() => allAnswered.promise)])
    return ended - started
  } finally {
    clearInterval(requests)
    await (await serving).stop()
    await nc.close()
  }
}

async function timeBusyPing(targets: CallTargets): Promise<number> {
  const calls = Array.from({ length: 228 }, () => targets.request('bench.wait', { ms: 100 }))
  const started = performance.now()
  await targets.request('$SRV.PING.bench-wait', {})
  const duration = performance.now() - started
  await Promise.all(calls)
  return duration
}
