import { isDeepStrictEqual } from 'node:util'
import { JetStreamApiError } from '@nats-io/jetstream'
import type { Logger } from 'pino'
import { isJetStreamUnavailable } from '../nats/unavailable.ts'

type Config = Readonly<Record<string, unknown>>

export class DriftError extends Error {
  override name = 'DriftError'
}

export interface Existing {
  readonly resource: string
  readonly declared: Config
  readonly actual: Config
  update(): Promise<Config>
  readonly remedy: string
  readonly log: Logger
}

/**
 * Updates an existing resource if it differs from its declaration. Throws a DriftError that names the
 * differences and the remedy if the server refuses the update.
 */
export async function updateIfChanged(existing: Existing): Promise<void> {
  const { resource, declared, actual, log } = existing
  const changes = findDifferences(declared, actual)
  if (changes.length === 0) return
  const ignored = findDifferences(declared, await update(existing, changes))
  if (ignored.length > 0) throw driftError(existing, ignored, 'the server ignores the change')
  log.warn({ resource, changes }, 'changed declaration applied')
}

async function update(existing: Existing, changes: readonly string[]): Promise<Config> {
  try {
    return await existing.update()
  } catch (error) {
    if (!(error instanceof JetStreamApiError) || isJetStreamUnavailable(error)) throw error
    throw driftError(existing, changes, error.message)
  }
}

function driftError({ resource, remedy }: Existing, changes: readonly string[], reason: string) {
  return new DriftError(
    `${resource} is not as declared, and cannot be updated (${reason}): ${changes.join('; ')}. ` +
      `Change the declaration back, or run ${remedy}`,
  )
}

export function findDifferences(declared: Config, actual: Config): string[] {
  return Object.entries(declared).flatMap(([key, value]) => {
    const current = actual[key]
    // The server omits fields that are 0, false or empty, so these values equal a missing field.
    if (isDeepStrictEqual(value, current) || (!value && !current)) return []
    return [`${key} is ${JSON.stringify(current)}, not ${JSON.stringify(value)}`]
  })
}
