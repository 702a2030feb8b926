import {
  goalLine,
  measureRounds,
  type Options,
  rowLines,
  type Sample,
  type Section,
} from '../measure.ts'
import { note } from './peer.ts'
import type { Field } from './section.ts'

const atOnce = 20_000
/** Nobody waits for an event. */
const untimed = { p50: Number.NaN, p99: Number.NaN }

const tellers = {
  'nats.js tells': { responder: 'raw', subject: 'raw.tell' },
  'Natter tells': { responder: 'natter', subject: 'bench.tell' },
} as const
const hearers = {
  'nats.js hears': { responder: 'raw', prefix: 'raw' },
  'Natter hears': { responder: 'natter', prefix: 'bench' },
} as const

/** Events: telling from within a function, and hearing in one, beside nats.js with JSON. */
export async function measureEvents(field: Field, options: Options): Promise<Section> {
  const load = await field.startLoad()

  async function tell(name: string): Promise<Sample> {
    const { responder, subject } = tellers[name as keyof typeof tellers]
    const before = await field.cpuOf(responder)
    const started = performance.now()
    // The answer comes after all that was told: one connection keeps its order.
    await field.ask(subject, { times: atOnce, note })
    const seconds = (performance.now() - started) / 1_000
    const cpu = ((await field.cpuOf(responder)) - before) / atOnce
    return { rate: atOnce / seconds, ...untimed, cpu }
  }

  async function hear(name: string): Promise<Sample> {
    const { responder, prefix } = hearers[name as keyof typeof hearers]
    const before = await field.cpuOf(responder)
    const { count, seconds } = await load.ask<{ count: number; seconds: number }>('pour', {
      prefix,
      seconds: options.seconds,
    })
    const cpu = ((await field.cpuOf(responder)) - before) / count
    return { rate: count / seconds, ...untimed, cpu }
  }

  for (const name of Object.keys(tellers)) await tell(name)
  for (const name of Object.keys(hearers)) await hear(name)
  const told = await measureRounds(Object.keys(tellers), options, tell)
  const heard = await measureRounds(Object.keys(hearers), options, hear)

  return {
    title: 'An event: JSON of about 100 bytes; rate, processor time',
    lines: [
      ...rowLines(told, 'nats.js tells'),
      ...rowLines(heard, 'nats.js hears'),
      goalLine(told, 'Natter tells', 'nats.js tells', 'rate', {
        title: '6. telling from a function',
        must: 0.9,
        better: 'more',
      }),
      goalLine(heard, 'Natter hears', 'nats.js hears', 'rate', {
        title: '6. hearing in a function',
        must: 0.85,
        better: 'more',
      }),
    ],
  }
}
