import { NotStoredError } from '../jetstream/publish.ts'

export const storages = ['jetstream', 'database'] as const
export type Storage = (typeof storages)[number]

/** The SQLSTATE codes for a full disk, a disk error, and damaged data. */
const databaseCodes = /^(53100|58030|XX00[12])$/

/**
 * Returns the storage whose failure to store or read data caused the error, otherwise undefined.
 */
export function findFailedStorage(error: unknown): Storage | undefined {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 8; depth++) {
    if (cause instanceof NotStoredError) return 'jetstream'
    const code = 'code' in cause ? cause.code : undefined
    if (typeof code === 'string' && databaseCodes.test(code)) return 'database'
    cause = cause.cause
  }
  return undefined
}
