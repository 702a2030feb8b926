import { setTimeout as delay } from 'node:timers/promises'
import { jetstreamManager } from '@nats-io/jetstream'
import { headers } from '@nats-io/nats-core'
import type { RoomId } from '#schema/ids'
import { CHAT_MESSAGES } from '#schema/streams'
import type { Random } from './random.ts'
import type { World } from './world.ts'

export interface FaultOptions {
  world: World
  random: Random
  rooms: readonly { id: RoomId }[]
  /** How long the database stays away, in milliseconds. */
  databaseAwayMs: number
}

type Fault = (options: FaultOptions) => Promise<void>

const weights = {
  'runtime killed': 4,
  'runtime restarted': 3,
  'runtime paused': 2,
  'nats killed': 1,
  'nats restarted': 1,
  'database away': 1,
  'message delivered again': 4,
  'log read again': 1,
}

export type FaultName = keyof typeof weights

/** Lets one thing go wrong, and answers which when it is over. */
export async function cause(options: FaultOptions, name = options.random.weighted(weights)) {
  await faults[name](options)
  return name
}

const faults: Record<FaultName, Fault> = {
  async 'runtime killed'({ world, random }) {
    const runtime = random.pick(world.runtimes)
    await runtime.kill('SIGKILL')
    await runtime.restart()
  },

  'runtime restarted': ({ world, random }) => random.pick(world.runtimes).restart(),

  async 'runtime paused'({ world, random }) {
    const runtime = random.pick(world.runtimes)
    await runtime.kill('SIGSTOP')
    await delay(random.between(500, 3_000))
    await runtime.kill('SIGCONT')
  },

  async 'nats killed'({ world }) {
    await world.nats.kill('SIGKILL')
    await world.nats.restart()
  },

  'nats restarted': ({ world }) => world.nats.restart(),

  async 'database away'({ world, databaseAwayMs }) {
    await world.database.kill('SIGKILL')
    await delay(databaseAwayMs)
    await world.database.restart()
  },

  /** As if JetStream had forgotten that it has this message: it stands in the log twice. */
  async 'message delivered again'({ world, random, rooms }) {
    if (rooms.length === 0) return
    const room = random.pick(rooms).id
    const jsm = await jetstreamManager(world.nc)
    const last = await jsm.direct
      .getMessage(CHAT_MESSAGES.stream, { last_by_subj: `chat.${room}` })
      .catch(() => null)
    if (last?.json<{ kind: string }>().kind !== 'message') return
    const hdrs = headers()
    hdrs.set('Nats-Msg-Id', crypto.randomUUID())
    await world.nc
      .request(last.subject, last.data, { headers: hdrs, timeout: 5_000 })
      .catch(() => {})
  },

  /** The consumers of the log are made anew: everything comes once more, from the first on. */
  async 'log read again'({ world }) {
    const jsm = await jetstreamManager(world.nc)
    for (const name of ['persist', 'persist-thread'])
      await jsm.consumers.delete(CHAT_MESSAGES.stream, name).catch(() => {})
    for (const runtime of world.runtimes) await runtime.restart()
  },
}
