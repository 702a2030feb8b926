import { errors, type NatsConnection } from '@nats-io/nats-core'
import { similarNames } from '../api/similar-names.ts'
import { toServiceName } from '../api/subject.ts'
import {
  type Answers,
  isName,
  discoverInstances as search,
  type Verb,
} from '../monitoring/discovery.ts'
import { CliError, UsageError } from './failure.ts'

export type { Info, InvalidAnswer } from '../monitoring/discovery.ts'

export async function discoverOrFail<V extends Verb>(
  nc: NatsConnection,
  verb: V,
  name?: string,
  waitMs?: number,
): Promise<Answers<V>> {
  const service = name === undefined ? undefined : toServiceName(name)
  if (service !== undefined && !isName(service))
    throw new UsageError(`"${name}" is not a name: use letters, digits, _, - and dots`)
  try {
    return await search(nc, verb, service, waitMs)
  } catch (error) {
    if (error instanceof errors.PermissionViolationError)
      throw new CliError(`this user may not publish on $SRV.${verb}: ${error.message}`)
    throw error
  }
}

export async function unknownName(nc: NatsConnection, name: string): Promise<CliError> {
  const { valid } = await discoverOrFail(nc, 'PING')
  const names = [...new Set(valid.map((service) => service.name))]
  const similar = similarNames(toServiceName(name), names)
  const help =
    names.length === 0
      ? 'no service answers: is a runtime connected to this server?'
      : similar.length > 0
        ? `did you mean ${similar.join(' or ')}?`
        : '"runtime ls" lists the names'
  return new CliError(`no service has the name ${name}; ${help}`)
}
