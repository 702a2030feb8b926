import { readFile } from 'node:fs/promises'
import type { Sql } from 'postgres'

/** A node of a query plan in the format of `explain (analyze, buffers, format json)`. */
interface PlanNode {
  'Node Type': string
  'Relation Name'?: string
  'Actual Rows': number
  'Actual Loops': number
  'Rows Removed by Filter'?: number
  'Heap Fetches'?: number
  'Shared Hit Blocks': number
  'Shared Read Blocks': number
  Plans?: PlanNode[]
}

export interface Executed {
  statement: string
  root: PlanNode
  isCompiled: boolean
}

/** Makes PostgreSQL log the plan of each statement, in sessions that begin after this call. */
export async function logPlans(sql: Sql): Promise<void> {
  await sql`load 'auto_explain'`
  const settings = {
    session_preload_libraries: 'auto_explain',
    'auto_explain.log_min_duration': '0',
    'auto_explain.log_analyze': 'on',
    'auto_explain.log_buffers': 'on',
    'auto_explain.log_timing': 'off',
    'auto_explain.log_format': 'json',
    log_line_prefix: '%a ',
  }
  for (const [name, value] of Object.entries(settings))
    await sql.unsafe(`alter system set ${name} = '${value}'`)
  await sql`select pg_reload_conf()`
}

export async function readPlans(path: string, from: number): Promise<Executed[]> {
  const log = (await readFile(path)).subarray(from).toString()
  // PostgreSQL indents all lines of a log entry except the first one.
  const entries = log.matchAll(/^natter LOG: {2}duration: [\d.]+ ms {2}plan:\n((?:\t.*\n)+)/gm)
  return [...entries].map(([, json = '']) => {
    const { 'Query Text': text, Plan: root, JIT } = JSON.parse(json)
    return { statement: text.replace(/\s+/g, ' ').trim(), root, isCompiled: JIT !== undefined }
  })
}

export function nodesOf(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)]
}

export function rowsOf(node: PlanNode, include?: 'removed rows'): number {
  const removed = include ? (node['Rows Removed by Filter'] ?? 0) : 0
  return (node['Actual Rows'] + removed) * node['Actual Loops']
}

/**
 * Returns the number of 8 kB blocks that a statement read. Heap fetches of index-only scans do not
 * count, because they no longer occur after the first vacuum.
 */
export function buffersOf({ root }: Executed): number {
  const visits = nodesOf(root).reduce((sum, node) => sum + (node['Heap Fetches'] ?? 0), 0)
  return root['Shared Hit Blocks'] + root['Shared Read Blocks'] - visits
}
