/** How a runtime behaves as a micro service: how soon it is there, and whether it answers when busy. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { connectTo } from '../connect.ts'
import type { BenchFixture } from '../fixture.ts'
import { type Line, median, type Options, type Section } from '../measure.ts'
import type { Field } from './section.ts'

const functionCount = 100
/** What the goals allow, in milliseconds. */
const limits = { infoMs: 1_000, busyMs: 20 }

export async function measureManners(
  ground: BenchFixture,
  field: Field,
  { rounds }: Options,
): Promise<Section> {
  const folder = await writeFunctions(ground.dir)
  const starts: number[] = []
  const pings: number[] = []
  for (let round = 0; round < rounds; round++) starts.push(await timeStart(ground, folder))
  for (let round = 0; round < rounds; round++) pings.push(await timePingWhenBusy(field))
  return {
    title: 'A service',
    lines: [
      line(
        `5. ${functionCount} functions answer INFO, from the start of Node`,
        starts,
        limits.infoMs,
      ),
      line('5. $SRV.PING, every place of a function taken and 100 waiting', pings, limits.busyMs),
    ],
  }
}

function line(title: string, times: number[], limit: number): Line {
  return {
    name: title,
    value: `${median(times).toFixed(1)} ms`,
    base: `${limit} ms`,
    ratios: times.map((ms) => ms / limit),
    goal: { title, must: 1, better: 'less' },
  }
}

async function writeFunctions(dir: string) {
  const folder = join(dir, 'hundred')
  await mkdir(folder)
  const echo = pathToFileURL(join(import.meta.dirname, '..', 'functions', '_contracts.ts'))
  const runtime = pathToFileURL(join(import.meta.dirname, '..', '..', 'runtime', 'index.ts'))
  for (let count = 0; count < functionCount; count++) {
    const name = `hundred.echo-${count}`
    const text = `import { defineFunction } from '${runtime}'
import { benchEcho } from '${echo}'

export default defineFunction({ ...benchEcho, subject: '${name}' }, async (note) => note)
`
    await writeFile(join(folder, `${name}.ts`), text)
  }
  return folder
}

/** Asks for INFO until all have answered. */
async function timeStart(ground: BenchFixture, folder: string): Promise<number> {
  const nc = await connectTo(ground.nats.urlOf('functions'), 'bench')
  const reply = '_INBOX.hundred'
  const names = new Set<string>()
  const all = Promise.withResolvers<number>()
  nc.subscribe(reply, {
    callback(_error, message) {
      // While nobody is there, the server says so.
      if (message.data.length === 0) return
      const { name } = message.json<{ name: string }>()
      if (name.startsWith('hundred-')) names.add(name)
      if (names.size === functionCount) all.resolve(performance.now())
    },
  })
  const started = performance.now()
  const asking = setInterval(() => nc.publish('$SRV.INFO', '', { reply }), 20)
  const serving = ground.serve(folder)
  try {
    const answered = await Promise.race([all.promise, serving.then(() => all.promise)])
    return answered - started
  } finally {
    clearInterval(asking)
    await (await serving).stop()
    await nc.close()
  }
}

/** `bench.wait` has 128 places. */
async function timePingWhenBusy(field: Field): Promise<number> {
  const waiting = Array.from({ length: 228 }, () => field.ask('bench.wait', { ms: 100 }))
  const started = performance.now()
  await field.ask('$SRV.PING.bench-wait', {})
  const took = performance.now() - started
  await Promise.all(waiting)
  return took
}
