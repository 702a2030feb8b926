/**
 * The keys of the PostgreSQL advisory locks. They must differ, so that unrelated work never waits
 * for one lock.
 */
export const advisoryLocks = {
  migration: 6_288_437,
  /** Held by the process that writes events to the tables. */
  projection: 6_288_438,
  /** Held while display names are compared and changed. */
  names: 6_288_439,
} as const
