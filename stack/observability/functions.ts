import { defaultTimeoutMs } from '../../runtime/api/contract.ts'
import { longestCronGap } from '../../runtime/api/cron.ts'
import { type LoadedFunction, loadFolders } from '../../runtime/server/load.ts'

/** Names of functions, in groups that need the same alerts. */
export interface FunctionGroups {
  all: readonly string[]
  /**
   * Functions whose duration needs no alert: no caller waits for them, or their timeout is longer
   * than the histogram measures.
   */
  untimed: readonly string[]
  /**
   * Functions with another timeout than the default. The key is the duration that raises an alert:
   * half of their timeout, in seconds.
   */
  limits: ReadonlyMap<number, readonly string[]>
  consumers: readonly string[]
  /**
   * Functions with a schedule. The key is the time in minutes within which at least one run must
   * succeed or become a dead letter.
   */
  schedules: ReadonlyMap<number, readonly string[]>
  logins: readonly string[]
}

const maxTimeoutMs = 10_000
const importMs = 30_000
/**
 * An alert for a schedule looks at a time window. The window is three intervals of the schedule
 * long, or one interval plus 65 minutes if that is shorter: a clock change can delay a run by an
 * hour. The window is at least 5 minutes long, so that it contains several scrapes. Schedules with a
 * window of more than 8 days have no alert, because Prometheus keeps data for only 15 days by default.
 */
const schedule = { ticks: 3, minMinutes: 5, marginMinutes: 60 + 5, maxMinutes: 8 * 24 * 60 }

/** Imports the functions of the folders. Throws a LoadError if they cannot be served. */
export async function readFunctions(folders: readonly string[]): Promise<FunctionGroups> {
  const { functions } = await loadFolders(folders, { importMs })
  const named = (isMember: (func: LoadedFunction) => boolean) =>
    functions
      .filter(isMember)
      .map(({ name }) => name)
      .toSorted()
  const consumers = named(({ trigger }) => ['stream', 'kv', 'schedule'].includes(trigger))
  const slow = named(({ definition }) => timeoutMs(definition.contract) > maxTimeoutMs)
  const seconds = (func: LoadedFunction) => {
    const ms = timeoutMs(func.definition.contract)
    return ms === defaultTimeoutMs || ms > maxTimeoutMs ? undefined : ms / 2_000
  }
  return {
    all: named(() => true),
    untimed: [...consumers, ...slow].toSorted(),
    limits: groupBy(functions, seconds),
    consumers,
    schedules: groupBy(functions, scheduleMinutes),
    logins: named(({ trigger }) => trigger === 'callout'),
  }
}

function timeoutMs(contract: LoadedFunction['definition']['contract']) {
  return contract?.timeoutMs ?? defaultTimeoutMs
}

/**
 * Returns the window of the alert in minutes. Returns undefined for a function without a schedule,
 * or if the window would be longer than 8 days.
 */
function scheduleMinutes({ definition }: LoadedFunction): number | undefined {
  const { trigger } = definition
  if (trigger?.kind !== 'schedule') return undefined
  const [, seconds] = /^@every (\d+)s$/.exec(trigger.every) ?? []
  const gap = (seconds === undefined ? longestCronGap(trigger.every) : Number(seconds)) / 60
  const minutes = Math.ceil(Math.min(gap * schedule.ticks, gap + schedule.marginMinutes))
  return minutes > schedule.maxMinutes ? undefined : Math.max(schedule.minMinutes, minutes)
}

function groupBy(
  functions: readonly LoadedFunction[],
  key: (func: LoadedFunction) => number | undefined,
): Map<number, string[]> {
  const groups = new Map<number, string[]>()
  for (const func of functions) {
    const value = key(func)
    if (value !== undefined) groups.set(value, [...(groups.get(value) ?? []), func.name])
  }
  const sorted = [...groups].map(([value, names]) => [value, names.toSorted()] as const)
  return new Map(sorted.sort(([a], [b]) => a - b))
}
