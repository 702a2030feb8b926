import { join } from 'node:path'
import { startFixture } from '../fixture.ts'
import {
  goalLine,
  type Line,
  measureRounds,
  type Options,
  type RowGoal,
  rowLines,
  type Samples,
  type Section,
  takeSample,
} from '../measure.ts'
import type { Worker } from '../worker.ts'
import { measureDiscovery } from './discovery.ts'
import { measureEvents } from './events.ts'
import type { CallerName, PeerName } from './worker.ts'

const module = new URL('worker.ts', import.meta.url)
const functions = join(import.meta.dirname, '..', 'functions')

interface Row {
  responder: PeerName | 'natter'
  caller: CallerName
}

const base = 'nats.js callback, nc.request'
const lean = 'nats.js callback, lean caller'
const services = '@nats-io/services, lean caller'
const natter = 'Natter endpoint, Natter client'
const natterLean = 'Natter endpoint, lean caller'
const rows: Record<string, Row> = {
  [base]: { responder: 'raw', caller: 'raw' },
  [lean]: { responder: 'raw', caller: 'rawLean' },
  [services]: { responder: 'services', caller: 'services' },
  [natterLean]: { responder: 'natter', caller: 'natterLean' },
  [natter]: { responder: 'natter', caller: 'natter' },
  Moleculer: { responder: 'moleculer', caller: 'moleculer' },
  NestJS: { responder: 'nest', caller: 'nest' },
  'nats-micro': { responder: 'natsMicro', caller: 'natsMicro' },
}
const invalid = 'Natter endpoint, invalid payload'
const callers: Record<string, Row> = {
  ...rows,
  [invalid]: { responder: 'natter', caller: 'natterInvalid' },
}

export interface CallTargets {
  request<Response>(subject: string, payload: object): Promise<Response>
  /** Returns the processor time of a responder, in microseconds. */
  readCpu(responder: PeerName | 'natter'): Promise<number>
  startLoad(): Promise<Worker>
}

export async function measureCalls(options: Options): Promise<Section[]> {
  await using fixture = await startFixture()
  const { url } = fixture
  const responders = new Map<string, Worker>()
  for (const { responder } of Object.values(rows)) {
    if (responder === 'natter' || responders.has(responder)) continue
    const worker = await fixture.startWorker(module, [url])
    await worker.call('respond', responder)
    responders.set(responder, worker)
  }
  await fixture.serve(functions)
  const { requester, readCpu } = await fixture.connect()

  const targets: CallTargets = {
    async request<Response>(subject: string, payload: object) {
      const options = { timeoutMs: 30_000 }
      const reply = await requester.request(subject, JSON.stringify(payload), options)
      if (reply.headers) throw new Error(`${subject} rejected the request: ${reply.string()}`)
      return reply.json<Response>()
    },
    readCpu: (name) => responders.get(name)?.call<number>('cpu') ?? readCpu(),
    startLoad: () => fixture.startWorker(module, [url]),
  }

  const loads = new Map<string, Worker>()
  for (const [row, { caller }] of Object.entries(callers)) {
    const worker = await targets.startLoad()
    await worker.call('connect', caller)
    loads.set(row, worker)
  }

  function measure(row: string, depth: number, seconds = options.seconds) {
    const load = loads.get(row)
    const caller = callers[row]
    if (!load || !caller) throw new Error(`No process calls for the row "${row}"`)
    return takeSample(
      () => targets.readCpu(caller.responder),
      () => load.call('run', { depth, seconds }),
    )
  }

  // Node compiles the code during this first run, so its result is not used.
  for (const row of loads.keys()) await measure(row, 64, options.seconds * 2)
  const byDepth = new Map<number, Samples>()
  for (const depth of [1, 64, 512]) {
    const measureAtDepth = (row: string) => measure(row, depth)
    byDepth.set(depth, await measureRounds(Object.keys(rows), options, measureAtDepth))
  }
  const rejected = await measureRounds([natterLean, invalid], options, (row) => measure(row, 64))

  return [
    {
      title: 'A call with about 100 bytes of JSON: rate, time, processor time of the responder',
      lines: [
        ...[...byDepth].flatMap(([depth, samples]) =>
          rowLines(samples, base, `, ${depth} in flight`),
        ),
        ...callGoals(byDepth),
        goalLine(rejected, {
          title: '4. a rejected payload ÷ an accepted one: processor time',
          row: invalid,
          base: natterLean,
          figure: 'cpu',
          must: 1,
        }),
      ],
    },
    await measureDiscovery(fixture, targets, options),
    await measureEvents(targets, options),
  ]
}

function callGoals(byDepth: Map<number, Samples>): Line[] {
  const goal = (depth: number, { title, ...goal }: RowGoal) =>
    goalLine(byDepth.get(depth) ?? new Map(), { title: `${title}, ${depth} in flight`, ...goal })
  const endpoint = { row: natterLean, base: services }
  const peerGoals = (peer: string, must: number, aim?: number) =>
    [64, 512].map((depth) =>
      goal(depth, {
        title: '3. Natter client and endpoint: rate',
        row: natter,
        base: peer,
        figure: 'rate',
        must,
        aim,
      }),
    )
  const callerGoal = (depth: number, must: number) =>
    goal(depth, { title: '2. lean caller: rate', row: lean, base, figure: 'rate', must })
  return [
    ...[1, 64, 512].map((depth) =>
      goal(depth, {
        title: '1. Natter endpoint, lean caller: rate',
        ...endpoint,
        figure: 'rate',
        must: 0.8,
        aim: 0.95,
      }),
    ),
    goal(64, {
      title: '1. Natter endpoint, lean caller: processor time',
      ...endpoint,
      figure: 'cpu',
      must: 1.6,
      aim: 1.3,
    }),
    callerGoal(64, 2),
    callerGoal(512, 3),
    ...peerGoals('Moleculer', 1.05, 1.25),
    ...peerGoals('NestJS', 2, 2.5),
    ...peerGoals('nats-micro', 3.5),
    goal(1, {
      title: '3. Natter client and endpoint: p50',
      row: natter,
      base: 'Moleculer',
      figure: 'p50',
      must: 1,
    }),
  ]
}
