import {
  goalLine,
  measureRounds,
  type Options,
  rowLines,
  type Section,
  takeSample,
} from '../measure.ts'
import { payload } from './peer.ts'
import type { CallTargets } from './section.ts'

const eventCount = 20_000
/** An event has no response, so p50 and p99 are not measured. */
const untimed = { p50: Number.NaN, p99: Number.NaN }

const publishers = {
  'nats.js publishes': { responder: 'raw', subject: 'raw.publish' },
  'Natter publishes': { responder: 'natter', subject: 'bench.publish' },
} as const
const subscribers = {
  'nats.js receives': { responder: 'raw', prefix: 'raw' },
  'Natter receives': { responder: 'natter', prefix: 'bench' },
} as const

export async function measureEvents(targets: CallTargets, options: Options): Promise<Section> {
  const load = await targets.startLoad()

  function publish(row: string) {
    const { responder, subject } = publishers[row as keyof typeof publishers]
    return takeSample(
      () => targets.readCpu(responder),
      async () => {
        const started = performance.now()
        // A connection preserves the order of messages, so the response arrives after all events
        // that the function has published.
        await targets.request(subject, { times: eventCount, payload })
        const seconds = (performance.now() - started) / 1_000
        return { count: eventCount, seconds, ...untimed }
      },
    )
  }

  function receive(row: string) {
    const { responder, prefix } = subscribers[row as keyof typeof subscribers]
    const { seconds } = options
    return takeSample(
      () => targets.readCpu(responder),
      async () => ({ ...(await load.call('publishEvents', { prefix, seconds })), ...untimed }),
    )
  }

  for (const row of Object.keys(publishers)) await publish(row)
  for (const row of Object.keys(subscribers)) await receive(row)
  const published = await measureRounds(Object.keys(publishers), options, publish)
  const received = await measureRounds(Object.keys(subscribers), options, receive)

  return {
    title: 'An event of about 100 bytes of JSON: rate, processor time',
    lines: [
      ...rowLines(published, 'nats.js publishes'),
      ...rowLines(received, 'nats.js receives'),
      goalLine(published, {
        title: '6. publishing from a function',
        row: 'Natter publishes',
        base: 'nats.js publishes',
        figure: 'rate',
        must: 0.9,
      }),
      goalLine(received, {
        title: '6. receiving in a function',
        row: 'Natter receives',
        base: 'nats.js receives',
        figure: 'rate',
        must: 0.85,
      }),
    ],
  }
}
