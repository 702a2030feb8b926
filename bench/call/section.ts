import { join } from 'node:path'
import { createRequester } from '../../runtime/client/index.ts'
import { connectTo } from '../connect.ts'
import { startFixture } from '../fixture.ts'
import type { LoopResult } from '../loop.ts'
import {
  goalLine,
  type Line,
  measureRounds,
  type Options,
  rowLines,
  type Sample,
  type Samples,
  type Section,
} from '../measure.ts'
import { startWorker, type Worker } from '../worker.ts'
import { measureEvents } from './events.ts'
import { measureManners } from './manners.ts'
import type { CallerName, PeerName } from './worker.ts'

const module = new URL('worker.ts', import.meta.url)
const functions = join(import.meta.dirname, '..', 'functions')

interface Row {
  responder: PeerName | 'natter'
  caller: CallerName
}

const base = 'nats.js callback, nc.request'
const natter = 'Natter endpoint, Natter client'
const natterLean = 'Natter endpoint, lean caller'
const rows: Record<string, Row> = {
  [base]: { responder: 'raw', caller: 'raw' },
  'nats.js callback, lean caller': { responder: 'raw', caller: 'rawLean' },
  '@nats-io/services, lean caller': { responder: 'services', caller: 'services' },
  [natterLean]: { responder: 'natter', caller: 'natterLean' },
  [natter]: { responder: 'natter', caller: 'natter' },
  Moleculer: { responder: 'moleculer', caller: 'moleculer' },
  NestJS: { responder: 'nest', caller: 'nest' },
  'nats-micro': { responder: 'natsMicro', caller: 'natsMicro' },
}
const refused = 'refused'

/** What the sections on calls and events share: where to ask, and what has been started. */
export interface Field {
  url: string
  /** Asks a subject and waits, aside of what is measured. */
  ask<Answer>(subject: string, payload: object): Promise<Answer>
  /** Processor time of a responder so far, in microseconds. */
  cpuOf(responder: PeerName | 'natter'): Promise<number>
  /** A process that calls. */
  startLoad(): Promise<Worker>
}

/** A call: what an endpoint and a caller cost, beside others'; and events. */
export async function measureCalls(options: Options): Promise<Section[]> {
  await using ground = await startFixture()
  const url = ground.nats.urlOf('functions')
  const responders = new Map<string, Worker>()
  for (const { responder } of Object.values(rows)) {
    if (responder === 'natter' || responders.has(responder)) continue
    const worker = ground.use(await startWorker(module, [url]))
    await worker.ask('respond', responder)
    responders.set(responder, worker)
  }
  await ground.serve(functions)

  const nc = await connectTo(url, 'bench')
  const requester = createRequester(nc)
  ground.use({ [Symbol.asyncDispose]: () => nc.close() })
  const field: Field = {
    url,
    async ask<Answer>(subject: string, payload: object) {
      const options = { timeoutMs: 30_000 }
      const reply = await requester.request(subject, JSON.stringify(payload), options)
      if (reply.headers) throw new Error(`${subject} refused: ${reply.string()}`)
      return reply.json<Answer>()
    },
    async cpuOf(name) {
      const worker = responders.get(name)
      if (worker) return worker.ask<number>('cpu')
      return (await field.ask<{ cpu: number }>('bench.cpu', {})).cpu
    },
    startLoad: async () => ground.use(await startWorker(module, [url])),
  }

  const loads = new Map<string, Worker>()
  const callers: Record<string, Row> = {
    ...rows,
    [refused]: { responder: 'natter', caller: 'natterRefused' },
  }
  for (const [name, { caller }] of Object.entries(callers)) {
    const worker = await field.startLoad()
    await worker.ask('connect', caller)
    loads.set(name, worker)
  }

  async function measure(name: string, depth: number, seconds = options.seconds): Promise<Sample> {
    const { responder } = callers[name] as Row
    const before = await field.cpuOf(responder)
    const result = await loads.get(name)?.ask<LoopResult>('run', { depth, seconds })
    if (!result) throw new Error(`Nobody calls "${name}"`)
    const cpu = ((await field.cpuOf(responder)) - before) / result.count
    const { p50, p99 } = result
    return { rate: result.count / result.seconds, p50, p99, cpu }
  }

  // Node compiles what runs often, beside it and for a while: what that costs is not a call's.
  for (const name of loads.keys()) await measure(name, 64, options.seconds * 2)
  const depths = new Map<number, Samples>()
  for (const depth of [1, 64, 512])
    depths.set(
      depth,
      await measureRounds(Object.keys(rows), options, (name) => measure(name, depth)),
    )
  const refusals = await measureRounds([natterLean, refused], options, (name) => measure(name, 64))

  return [
    {
      title: 'A call: JSON of about 100 bytes; rate, time, processor time of the responder',
      lines: [
        ...[...depths].flatMap(([depth, samples]) => rowLines(samples, base, `, ${depth} at once`)),
        ...callGoals(depths),
        goalLine(refusals, refused, natterLean, 'cpu', {
          title: '4. a refused payload costs no more: processor time',
          must: 1,
          better: 'less',
        }),
      ],
    },
    await measureManners(ground, field, options),
    await measureEvents(field, options),
  ]
}

function callGoals(depths: Map<number, Samples>): Line[] {
  const at = (depth: number) => depths.get(depth) ?? new Map()
  const services = '@nats-io/services, lean caller'
  const lean = 'nats.js callback, lean caller'
  const more = 'more' as const
  const less = 'less' as const
  const over = (row: string, other: string, must: number, aim?: number) =>
    [64, 512].map((depth) =>
      goalLine(at(depth), row, other, 'rate', {
        title: `3. our client and endpoint, ${depth} at once`,
        must,
        ...(aim === undefined ? {} : { aim }),
        better: more,
      }),
    )
  return [
    ...[1, 64, 512].map((depth) =>
      goalLine(at(depth), natterLean, services, 'rate', {
        title: `1. our endpoint under the same caller, ${depth} at once`,
        must: 0.8,
        aim: 0.95,
        better: more,
      }),
    ),
    goalLine(at(64), natterLean, services, 'cpu', {
      title: '1. its processor time, 64 at once',
      must: 1.6,
      aim: 1.3,
      better: less,
    }),
    ...(
      [
        [64, 2],
        [512, 3],
      ] as const
    ).map(([depth, must]) =>
      goalLine(at(depth), lean, base, 'rate', {
        title: `2. our caller, ${depth} at once`,
        must,
        better: more,
      }),
    ),
    ...over(natter, 'Moleculer', 1.05, 1.25),
    ...over(natter, 'NestJS', 2, 2.5),
    ...over(natter, 'nats-micro', 3.5),
    goalLine(at(1), natter, 'Moleculer', 'p50', {
      title: '3. p50, one at a time',
      must: 1,
      better: less,
    }),
  ]
}
