import * as v from 'valibot'

const defaultTtlS = 3_600
const maxTtlS = 24 * 3_600
/**
 * A connection may end early, by a random share of its lifetime. This is the maximum of that share.
 */
const spread = 0.1

/** Lifetime of a user's connection, in seconds. */
export const ConnectionTtl = v.pipe(
  v.optional(v.string(), ''),
  v.transform((text) => (text === '' ? String(defaultTtlS) : text)),
  v.check(
    (text) => /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= maxTtlS,
    'CONNECTION_TTL must be a whole number of seconds, from one second to one day',
  ),
  v.transform(Number),
)

/**
 * Returns the end of a connection that begins now, in seconds since the epoch. It is random within
 * the last tenth of the lifetime. Otherwise, clients that connected at the same time, such as after
 * the restart of a server, would also log in again at the same time.
 */
export function connectionExpiry(ttlS: number): number {
  return Math.ceil(Date.now() / 1_000 + ttlS * (1 - Math.random() * spread))
}
