import type { JetStreamClient } from '@nats-io/jetstream'
import { writeHeaders } from '../api/headers.ts'
import type { Requester } from '../client/requester.ts'
import { readLast } from './api.ts'
import { publishStored } from './publish.ts'
import { ignoreNotFound, schedules } from './resources.ts'

export const tickSubject = (service: string) => `tick.${service}`
const prefix = 'schedule.'

/**
 * Stores the schedule of a service, unless the same schedule is stored already. The server
 * publishes ticks by this schedule. Storing a schedule restarts its interval: if each start stored
 * it, a process that restarts often would never receive a tick.
 */
export async function storeSchedule(
  requester: Requester,
  service: string,
  every: string,
): Promise<void> {
  const last = await readLast(requester, schedules.stream, prefix + service)
  if (last?.message.headers?.get('Nats-Schedule') === every) return
  const headers = writeHeaders({
    'Nats-Schedule': every,
    'Nats-Schedule-Target': tickSubject(service),
  })
  await publishStored(requester, prefix + service, '', { headers })
}

export async function listSchedules(js: JetStreamClient): Promise<string[]> {
  const jsm = await js.jetstreamManager()
  const filter = { subjects_filter: `${prefix}*` }
  const info = await jsm.streams.info(schedules.stream, filter).catch(ignoreNotFound)
  return Object.keys(info?.state.subjects ?? {}).map((subject) => subject.slice(prefix.length))
}

export async function cancelSchedule(js: JetStreamClient, service: string): Promise<void> {
  const jsm = await js.jetstreamManager()
  await jsm.streams.purge(schedules.stream, { filter: prefix + service })
  await jsm.streams.purge(schedules.stream, { filter: tickSubject(service) })
  await jsm.consumers.delete(schedules.stream, service).catch(ignoreNotFound)
}
