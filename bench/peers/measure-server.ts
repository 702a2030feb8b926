import { setTimeout as delay } from 'node:timers/promises'
import type { LoopResult } from '../loop.ts'
import type { Options } from '../measure.ts'
import { startWorker } from '../worker.ts'
import { rooms, type Server, startServer } from './servers.ts'
import { readUsage } from './usage.ts'

/**
 * Measured values by the key of their row (see rows.ts). A key is absent if its row was not measured.
 */
export type Figures = Record<string, number>

const driver = new URL('driver.ts', import.meta.url)
const missed = 20
/** Within this time, an idle server may return memory that it needed only during its start. */
const idleMs = 30_000
/** Number of messages that are sent one at a time. */
const repeats = 30

/** Starts a server and a driver, measures all rows, and stops both. */
export async function measureServer(name: string, { rounds, seconds }: Options): Promise<Figures> {
  await using server = await startServer(name)
  await using worker = await startWorker(driver)
  await worker.call('start', server.target)
  const figures: Figures = {}
  const { protocol } = server.target
  const isQuick = rounds < 3
  const isSlow = Number.isFinite(server.target.largestRoom)
  const largestRoom = isQuick && isSlow ? rooms.small : server.target.largestRoom

  await untilIdle(server)
  await delay(idleMs)
  figures.idle = usageOf(server).memoryMb
  for (const [process, pid] of server.processes) figures[process] = readUsage([pid]).memoryMb

  await worker.call('enter', { room: 'small', count: rooms.small })
  const run = (duration: number) =>
    worker.call<LoopResult>('run', { room: 'small', depth: 64, seconds: duration })
  await run(seconds * 4)
  await untilIdle(server)
  const driverBefore = await worker.call<number>('cpu')
  const load = await measureCpu(server, () => run(seconds * 5))
  const driverMs = ((await worker.call<number>('cpu')) - driverBefore) / 1_000
  figures.rate = load.result.count / load.result.seconds
  figures.cpu = (load.cpuMs * 1_000) / load.result.count
  figures.driver = (driverMs / (driverMs + load.cpuMs)) * 100

  const count = Math.max(50, seconds * 250)
  const at50 = await worker.call<LoopResult>('sendAtRate', { room: 'small', perSecond: 50, count })
  figures.p50 = at50.p50
  if (!isQuick) {
    const rate = { room: 'small', perSecond: 10, count: 100 }
    figures.p99 = (await worker.call<LoopResult>('sendAtRate', rate)).p99
  }
  figures.history = (await worker.call<LoopResult>('readPages', { room: 'small', seconds })).p50
  await worker.call('leave', 'small')

  for (const room of ['thousand', 'thousands'] as const) {
    if (rooms[room] > largestRoom || (isQuick && room === 'thousands')) continue
    await untilIdle(server)
    const before = usageOf(server).memoryMb
    await worker.call('enter', { room, count: rooms[room] })
    await untilIdle(server)
    if (room === 'thousand')
      figures.memory = ((usageOf(server).memoryMb - before) * 1_024) / rooms[room]
    await worker.call('sendInTurn', { room, count: repeats })
    const times = await worker.call<{ ack: number; last: number }>('sendInTurn', {
      room,
      count: repeats,
    })
    figures[`ack ${room}`] = times.ack
    figures[`last ${room}`] = times.last
    await worker.call('leave', room)
  }

  if (protocol === 'natter' || protocol === 'synapse') {
    const users = isQuick ? 50 : 200
    await untilIdle(server)
    const ms = await worker.call<number>('join', { room: 'joined', count: users })
    figures.joins = (users * 1_000) / ms
  }

  if (rooms.cut <= largestRoom) {
    await worker.call('enter', { room: 'cut', count: rooms.cut })
    await worker.call('cut', { room: 'cut', missed })
    await untilIdle(server)
    const { cpuMs, result } = await measureCpu(server, () =>
      worker.call<number>('resume', { room: 'cut', missed }),
    )
    figures.reconnect = result
    figures['reconnect cpu'] = cpuMs / 1_000
  }
  figures.repeats = await worker.call<number>('repeats')
  return figures
}

function usageOf({ processes }: Server) {
  return readUsage([...processes.values()])
}

/**
 * Returns the result of `run` and the processor time of the server. This time includes the work
 * that the server does after its responses, such as that of Natter's function `persist`.
 */
async function measureCpu<Result>(server: Server, run: () => Promise<Result>) {
  const before = usageOf(server).cpuMs
  const result = await run()
  await untilIdle(server)
  return { result, cpuMs: usageOf(server).cpuMs - before }
}

/** Waits until the server uses less than a tenth of a core, for at most 15 s. */
async function untilIdle(server: Server) {
  const windowMs = 500
  const until = performance.now() + 15_000
  while (performance.now() < until) {
    const before = usageOf(server).cpuMs
    await delay(windowMs)
    if (usageOf(server).cpuMs - before < windowMs * 0.1) return
  }
}
