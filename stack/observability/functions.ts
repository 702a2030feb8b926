import { defaultTimeoutMs } from '../../runtime/api/contract.ts'
import { longestCronGap } from '../../runtime/api/cron.ts'
import { type LoadedFunction, loadFolders } from '../../runtime/server/load.ts'

/** Names of functions, in groups that need the same alerts. */
export interface FunctionGroups {
  all: readonly string[]
  /** No caller waits for their end, or for longer than the histogram measures. */
  untimed: readonly string[]
  /** The functions with a timeout of their own, by half of it in seconds. */
  limits: ReadonlyMap<number, readonly string[]>
  consumers: readonly string[]
  /** Functions with a schedule, by the time in minutes in which at least one call must succeed. */
  schedules: ReadonlyMap<number, readonly string[]>
  logins: readonly string[]
}

const maxTimeoutMs = 10_000
const importMs = 30_000
/**
 * An alert for a schedule watches three ticks, but at least the time of several scrapes, and at most one tick and
 * the hour by which a change of the clock delays it. Prometheus keeps 15 days.
 */
const schedule = { ticks: 3, minMinutes: 5, marginMinutes: 60 + 5, maxMinutes: 8 * 24 * 60 }

/** Imports the folders. Throws a LoadError if they cannot be served. */
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

/** Returns undefined if the ticks are more than a week apart. */
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
