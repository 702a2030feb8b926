import type { Command } from 'commander'
import {
  type InstanceRow,
  type StatsRow,
  type SumRow,
  toRows,
  toSums,
} from '../monitoring/stats-rows.ts'
import { openConnection, type ServerOptions } from './connection.ts'
import { discoverOrFail, unknownName } from './discovery.ts'
import { printInvalid } from './invalid.ts'
import { note, print, printJson } from './output.ts'
import { formatTable } from './table.ts'
import { addWait, type WaitOptions } from './wait.ts'

export function addStats(program: Command): void {
  addWait(program.command('stats'))
    .description('show the statistics of each instance since its start, and their sum')
    .argument('[name]', 'only this name; room.join and room-join are the same')
    .addHelpText(
      'after',
      `
The percentiles of a sum are those of its slowest instance.

Examples:
  runtime stats
  runtime stats room.join --json | jq '.sums[].requests'`,
    )
    .action((name: string | undefined, _, command: Command) =>
      stats(name, command.optsWithGlobals()),
    )
}

async function stats(name: string | undefined, options: ServerOptions & WaitOptions) {
  await using nc = await openConnection(options)
  const { valid, invalid } = await discoverOrFail(nc, 'STATS', name, options.wait)
  if (name !== undefined && valid.length + invalid.length === 0) throw await unknownName(nc, name)
  const instances = valid.flatMap(toRows)
  const sums = toSums(instances)
  if (options.json) return printJson({ instances, sums, invalid })
  if (valid.length + invalid.length === 0) return note('no services answer')
  if (valid.length > 0) printRows(instances, sums)
  printInvalid(invalid)
}

function printRows(instances: readonly InstanceRow[], sums: readonly SumRow[]) {
  const measures = ['REQUESTS', 'ERRORS', 'IN FLIGHT', 'QUEUED', 'SHED', 'AVG', 'P50', 'P95', 'P99']
  const columns = [
    { title: 'ENDPOINT' },
    { title: 'INSTANCE' },
    ...measures.map((title) => ({ title, right: true })),
    { title: 'LAST ERROR' },
  ]
  const rows = sums.flatMap((total) => {
    const label = total.endpoint === total.name ? total.name : `${total.name}/${total.endpoint}`
    const own = instances.filter(
      ({ name, endpoint }) => name === total.name && endpoint === total.endpoint,
    )
    const lines = own.map((row) => [label, row.id, ...cells(row)])
    return own.length > 1
      ? [...lines, [label, `sum of ${total.instances}`, ...cells(total)]]
      : lines
  })
  print(formatTable(columns, rows))
}

function cells(row: StatsRow) {
  return [
    String(row.requests),
    String(row.errors),
    count(row.inFlight),
    count(row.queued),
    count(row.shed),
    ...[row.averageMs, row.p50Ms, row.p95Ms, row.p99Ms].map((ms) =>
      time(row.requests === 0 ? undefined : ms),
    ),
    row.lastError,
  ]
}

function count(value: number | undefined) {
  return value === undefined ? '-' : String(value)
}

function time(ms: number | undefined) {
  if (ms === undefined) return '-'
  return ms >= 10_000 ? `${(ms / 1_000).toFixed(1)} s` : `${ms.toFixed(ms >= 100 ? 0 : 2)} ms`
}
