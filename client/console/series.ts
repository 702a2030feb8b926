import type { ServiceSum } from '#schema/messages/console'

export interface Sample {
  /** Undefined for the first snapshot, and if the instances have changed since the previous one. */
  perSecond: number | undefined
  errorsPerSecond: number | undefined
  p50Ms: number | undefined
  p99Ms: number | undefined
  inFlight: number
}

/** Two minutes at one sample per `pollMs`. */
export const shownSamples = 60
export const pollMs = 2_000

export interface Snapshot {
  /** By the server's clock, in milliseconds since the epoch. */
  at: number
  sum: ServiceSum
}

export function toSample(before: Snapshot | undefined, now: Snapshot): Sample {
  const { sum } = now
  const seconds = before ? (now.at - before.at) / 1_000 : 0
  const isSame = before?.sum.since === sum.since && before.sum.instances === sum.instances
  const perSecond = (key: 'requests' | 'errors') =>
    before && isSame && seconds > 0 ? Math.max(0, sum[key] - before.sum[key]) / seconds : undefined
  const rate = perSecond('requests')
  return {
    perSecond: rate,
    errorsPerSecond: perSecond('errors'),
    // The server sends 0 if there was no recent call.
    p50Ms: sum.recentP50Ms || undefined,
    p99Ms: sum.recentP99Ms || undefined,
    inFlight: sum.inFlight ?? 0,
  }
}

export function combineSamples(samples: readonly Sample[]): Sample {
  const add = (key: 'perSecond' | 'errorsPerSecond') => {
    const known = samples.flatMap((sample) => sample[key] ?? [])
    return known.length === 0 ? undefined : known.reduce((sum, value) => sum + value, 0)
  }
  const worst = (key: 'p50Ms' | 'p99Ms') => {
    const known = samples.flatMap((sample) => sample[key] ?? [])
    return known.length === 0 ? undefined : Math.max(...known)
  }
  return {
    perSecond: add('perSecond'),
    errorsPerSecond: add('errorsPerSecond'),
    p50Ms: worst('p50Ms'),
    p99Ms: worst('p99Ms'),
    inFlight: samples.reduce((sum, { inFlight }) => sum + inFlight, 0),
  }
}

export function appendSample(samples: readonly Sample[], sample: Sample): readonly Sample[] {
  return [...samples, sample].slice(-shownSamples)
}
