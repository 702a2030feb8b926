export interface Rhythm {
  /** Local time of day, such as `09:30`. */
  time: string
  timeZone: string
  /** From 1 (Monday) to 7 (Sunday). */
  days: readonly number[]
}

const dayMs = 86_400_000

/**
 * Returns the first opening after a time, or undefined if no day is chosen. A local time that the clock skips
 * in spring is moved forward by the skipped time. If the clock repeats a local time in autumn, the first of the
 * two is used.
 */
export function nextOpening({ time, timeZone, days }: Rhythm, after: Date): Date | undefined {
  const today = Date.parse(`${localDay(after, timeZone)}T${time}:00Z`)
  for (let local = today; local <= today + 8 * dayMs; local += dayMs) {
    const weekday = new Date(local).getUTCDay() || 7
    if (!days.includes(weekday)) continue
    const opening = toInstant(local, timeZone)
    if (opening > after.getTime()) return new Date(opening)
  }
  return undefined
}

/** Returns the date in a time zone, such as `2026-11-30`. */
export function localDay(at: Date, timeZone: string): string {
  return new Date(localClock(at.getTime(), timeZone)).toISOString().slice(0, 10)
}

export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}

/**
 * Returns the instant at which clocks in `timeZone` show a local date and time. `local` contains
 * this date and time as if it were in UTC: 09:30 in any time zone is passed as 09:30 UTC, in
 * milliseconds since the epoch.
 */
function toInstant(local: number, timeZone: string): number {
  const offsetAt = (instant: number) => localClock(instant, timeZone) - instant
  // Tries the offsets from UTC that apply one day earlier and one day later. Daylight saving time
  // begins or ends at most once between them.
  const before = local - offsetAt(local - dayMs)
  const after = local - offsetAt(local + dayMs)
  const [first = before] = [before, after]
    .filter((instant) => localClock(instant, timeZone) === local)
    .sort((a, b) => a - b)
  return first
}

/** Returns the date and time that clocks in `timeZone` show at `instant`, as if it were in UTC. */
function localClock(instant: number, timeZone: string): number {
  const parts = new Intl.DateTimeFormat('en', {
    timeZone,
    calendar: 'iso8601',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  }).formatToParts(instant)
  const of = (type: Intl.DateTimeFormatPartTypes) =>
    Number(parts.find((part) => part.type === type)?.value)
  return Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute'), of('second'))
}
