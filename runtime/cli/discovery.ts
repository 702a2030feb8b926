import { errors, type NatsConnection } from '@nats-io/nats-core'
import { toServiceName } from '../api/subject.ts'
import {
  type Answers,
  isName,
  discoverInstances as search,
  type Verb,
} from '../monitoring/discovery.ts'
import { CliError, UsageError } from './failure.ts'
import { closestName } from './nearest.ts'

export type { Info, InvalidAnswer } from '../monitoring/discovery.ts'

/** The same as the protocol's `discover`, for what people type: functions may be named with dots. */
export async function discoverOrFail<V extends Verb>(
  nc: NatsConnection,
  verb: V,
  name?: string,
  waitMs?: number,
): Promise<Answers<V>> {
  const service = name === undefined ? undefined : toServiceName(name)
  if (service !== undefined && !isName(service))
    throw new UsageError(`"${name}" is no name: use letters, digits, _, - and dots`)
  try {
    return await search(nc, verb, service, waitMs)
  } catch (error) {
    if (error instanceof errors.PermissionViolationError)
      throw new CliError(`this user may not ask on $SRV.${verb}: ${error.message}`)
    throw error
  }
}

/** The Failure for a name that nobody answers to; it suggests names that somebody does. */
export async function unknownName(nc: NatsConnection, name: string): Promise<CliError> {
  const { valid } = await discoverOrFail(nc, 'PING')
  const names = [...new Set(valid.map((service) => service.name))]
  const near = closestName(toServiceName(name), names)
  const help =
    names.length === 0
      ? 'nothing answers here at all: is a runtime started on this server?'
      : near.length > 0
        ? `did you mean ${near.join(' or ')}?`
        : '"runtime ls" shows what there is'
  return new CliError(`nothing answers to the name ${name}; ${help}`)
}
