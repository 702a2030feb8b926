/**
 * The keys of the PostgreSQL advisory locks. They must differ. Otherwise, one kind of work would
 * wait for the lock of another kind.
 */
export const advisoryLocks = {
  migration: 6_288_437,
  /** Held by the process that writes events to the tables. */
  projection: 6_288_438,
  /** Held while display names are compared and changed. */
  names: 6_288_439,
} as const
