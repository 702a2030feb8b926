import { errors, type NatsConnection } from '@nats-io/nats-core'
import type { Logger } from 'pino'
import { cancelSchedule, listSchedules, storeSchedule } from '../jetstream/schedules.ts'
import type { Backbone } from './backbone.ts'
import type { LoadedFunction } from './load.ts'

/**
 * The schedules are reconciled when the process starts, and again after these milliseconds. During
 * a rolling restart, the first run may find a process of the previous version that still serves a
 * removed function. Only a later run then cancels the schedule of this function.
 */
const repeatAfterMs = [60_000, 600_000]
const pingTimeoutMs = 1_000

/**
 * Cancels the schedules of functions that no process serves. Stores the missing schedules of this
 * process's functions. Never throws.
 */
export async function reconcileSchedules(
  { nc, js, requester }: Backbone,
  functions: readonly LoadedFunction[],
  log: Logger,
): Promise<void> {
  try {
    for (const service of await listSchedules(js)) {
      const own = functions.find((loaded) => loaded.service === service)
      if (own ? own.trigger === 'schedule' : await isServed(nc, service)) continue
      await cancelSchedule(js, service)
      log.warn({ service }, 'schedule cancelled: no process serves its function')
    }
    for (const { service, definition } of functions)
      if (definition.trigger?.kind === 'schedule')
        await storeSchedule(requester, service, definition.trigger.every)
  } catch (err) {
    if (!nc.isClosed()) log.error({ err }, 'schedules not reconciled')
  }
}

export function repeatAfterStart(work: () => Promise<void>): Disposable {
  void work()
  const timers = repeatAfterMs.map((ms) => setTimeout(work, ms).unref())
  return { [Symbol.dispose]: () => timers.forEach(clearTimeout) }
}

/**
 * Returns false only if the server reports that there are no responders. A process that does not
 * answer in time may still serve the function.
 */
async function isServed(nc: NatsConnection, service: string): Promise<boolean> {
  try {
    await nc.request(`$SRV.PING.${service}`, '', { timeout: pingTimeoutMs })
    return true
  } catch (error) {
    return !(error instanceof errors.RequestError && error.isNoResponders())
  }
}
