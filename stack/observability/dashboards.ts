import type { FunctionGroups } from './functions.ts'
import { faults, oneOf, quantile } from './queries.ts'

interface Query {
  expr: string
  legend: string
}

interface Panel {
  title: string
  description?: string
  kind: 'stat' | 'timeseries'
  unit: string
  queries: readonly Query[]
  /** A panel of the kind `stat` shows a value in red if it is at least `from`, or less than `below`. */
  red?: { from: number } | { below: number }
  max?: number
}

interface Row {
  title: string
  isCollapsed?: boolean
  panels: readonly Panel[]
}

export interface Dashboard {
  uid: string
  title: string
  rows: readonly Row[]
}

const job = 'job="natter"'
const rate = (metric: string, selector = '') => `rate(${metric}${selector}[$__rate_interval])`
const byFunction = (query: string, aggregate = 'sum') => `${aggregate} by (function) (${query})`
const top = (query: string) => `topk(10, ${query})`

/** Returns the dashboards for a runtime with these functions. */
export function createDashboards(functions: FunctionGroups): Dashboard[] {
  return [
    {
      uid: 'natter-overview',
      title: 'Natter / Overview',
      rows: [health(), calls(), queues(), ...consumers(functions), processes()],
    },
    {
      uid: 'natter-functions',
      title: 'Natter / Functions',
      rows: groupByPrefix(functions.all).map(([prefix, names]) => functionRow(prefix, names)),
    },
  ]
}

function health(): Row {
  return {
    title: 'Health',
    panels: [
      stat('Ready processes', 'sum(natter_ready) or vector(0)', { below: 1 }),
      stat('Not ready', 'count(natter_ready == 0) or vector(0)', { from: 1 }),
      stat('NATS disconnected', 'count(natter_nats_connected == 0) or vector(0)', { from: 1 }),
      {
        ...stat('Dependencies', 'min by (dependency) (natter_dependency_available)', { below: 1 }),
        queries: [
          {
            expr: 'min by (dependency) (natter_dependency_available)',
            legend: '{{dependency}}',
          },
        ],
      },
      stat('Dead letters', 'sum(max by (service) (natter_dead_letters))', { from: 1 }),
      stat(
        'Failures of storages in 5 minutes',
        'sum(increase(natter_storage_failures_total[5m]))',
        { from: 1 },
      ),
    ],
  }
}

function calls(): Row {
  const failures = byFunction(rate('natter_call_failures_total', `{${faults}}`))
  return {
    title: 'Calls',
    panels: [
      series('Calls', 'reqps', top(byFunction(rate('natter_calls_total')))),
      {
        ...series('Failures by code', 'reqps', ''),
        queries: [
          {
            expr: `sum by (code) (${rate('natter_call_failures_total')})`,
            legend: '{{code}}',
          },
        ],
      },
      {
        ...series(
          'Failed calls',
          'percentunit',
          top(`${failures} / ${byFunction(rate('natter_calls_total'))}`),
        ),
        description:
          'Share of the calls that fail with internal, unavailable, overloaded or timeout.',
      },
      series('Duration, 99th percentile', 's', top(quantile(0.99, '', '$__rate_interval'))),
      series('Duration, median', 's', top(quantile(0.5, '', '$__rate_interval'))),
    ],
  }
}

function queues(): Row {
  return {
    title: 'Queues',
    panels: [
      series('Running calls', 'short', top(byFunction('natter_calls_in_flight'))),
      series('Waiting calls', 'short', top(byFunction('natter_calls_queued'))),
      {
        ...series(
          'Fullest queues',
          'percentunit',
          top(byFunction('natter_calls_queued / natter_calls_queue_limit', 'max')),
        ),
        max: 1,
      },
      series(
        'Calls rejected with overloaded',
        'reqps',
        byFunction(rate('natter_call_failures_total', '{code="overloaded"}')),
      ),
    ],
  }
}

function consumers({ consumers: names }: FunctionGroups): Row[] {
  if (names.length === 0) return []
  return [
    {
      title: 'Streams, buckets and schedules',
      panels: [
        series('Pending messages', 'short', byFunction('natter_consumer_pending_messages', 'max')),
        series(
          'Processed messages',
          'ops',
          byFunction(rate('natter_calls_total', `{${oneOf(names)}}`)),
        ),
        series(
          'Unacknowledged messages',
          'short',
          byFunction('natter_consumer_unacknowledged_messages', 'max'),
        ),
        series(
          'Redelivered messages',
          'short',
          byFunction('natter_consumer_redelivered_messages', 'max'),
        ),
        {
          ...series('Dead letters', 'short', ''),
          queries: [{ expr: 'max by (service) (natter_dead_letters)', legend: '{{service}}' }],
        },
        {
          ...series('Failures of storages', 'ops', ''),
          queries: [
            {
              expr: `sum by (storage) (${rate('natter_storage_failures_total')})`,
              legend: '{{storage}}',
            },
          ],
        },
      ],
    },
  ]
}

function processes(): Row {
  const perProcess = (title: string, unit: string, expr: string): Panel => ({
    ...series(title, unit, ''),
    queries: [{ expr, legend: '{{instance}} {{process}}' }],
  })
  return {
    title: 'Processes',
    panels: [
      perProcess('CPU', 'percentunit', rate('process_cpu_seconds_total', `{${job}}`)),
      perProcess(
        'Event loop lag, 99th percentile',
        's',
        `nodejs_eventloop_lag_p99_seconds{${job}}`,
      ),
      perProcess('Resident memory', 'bytes', `process_resident_memory_bytes{${job}}`),
      {
        ...perProcess(
          'Heap',
          'percentunit',
          `nodejs_heap_size_used_bytes{${job}} / nodejs_heap_size_limit_bytes{${job}}`,
        ),
        max: 1,
      },
      perProcess(
        'Restarts in 15 minutes',
        'short',
        `changes(process_start_time_seconds{${job}}[15m])`,
      ),
    ],
  }
}

function functionRow(prefix: string, names: readonly string[]): Row {
  const selector = `{${oneOf(names)}}`
  return {
    title: prefix,
    isCollapsed: true,
    panels: [
      series('Calls', 'reqps', byFunction(rate('natter_calls_total', selector))),
      {
        ...series('Failures', 'reqps', ''),
        queries: [
          {
            expr: `sum by (function, code) (${rate('natter_call_failures_total', selector)})`,
            legend: '{{function}} {{code}}',
          },
        ],
      },
      series('Duration, 99th percentile', 's', quantile(0.99, selector, '$__rate_interval')),
    ],
  }
}

/**
 * Groups functions by the first token of their names, and those of an app by the first two: `app.poll`.
 */
function groupByPrefix(names: readonly string[]): [prefix: string, names: readonly string[]][] {
  const groups = Object.groupBy(names, (name) =>
    name
      .split('.')
      .slice(0, name.startsWith('app.') ? 2 : 1)
      .join('.'),
  )
  return Object.entries(groups).map(([prefix, members = []]) => [prefix, members])
}

function stat(title: string, expr: string, red: NonNullable<Panel['red']>): Panel {
  return { title, kind: 'stat', unit: 'short', red, queries: [{ expr, legend: '' }] }
}

function series(title: string, unit: string, expr: string): Panel {
  return { title, kind: 'timeseries', unit, queries: [{ expr, legend: '{{function}}' }] }
}

const datasource = { type: 'prometheus', uid: `\${datasource}` }
const [width, height] = [8, 7]
const perLine = 24 / width

/** Returns the JSON of a dashboard, which Grafana imports from version 9 on. */
export function formatDashboard({ uid, title, rows }: Dashboard): string {
  const dashboard = {
    uid,
    title,
    description: 'Written by npm run observability.',
    tags: ['natter'],
    schemaVersion: 37,
    editable: true,
    refresh: '30s',
    time: { from: 'now-3h', to: 'now' },
    links: [{ type: 'dashboards', tags: ['natter'], title: 'Natter', asDropdown: true }],
    templating: {
      list: [{ name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Prometheus' }],
    },
    panels: layOut(rows),
  }
  return `${JSON.stringify(dashboard, undefined, 2)}\n`
}

function layOut(rows: readonly Row[]) {
  let [id, y] = [0, 0]
  return rows.flatMap<object>(({ title, isCollapsed = false, panels }) => {
    const row = {
      ...{ id: ++id, type: 'row', title, collapsed: isCollapsed },
      gridPos: { x: 0, y: y++, w: 24, h: 1 },
    }
    const formatted = panels.map((panel, index) => ({
      id: ++id,
      gridPos: {
        ...{ x: (index % perLine) * width, y: y + Math.floor(index / perLine) * height },
        ...{ w: width, h: height },
      },
      ...formatPanel(panel),
    }))
    // In the JSON, the panels of a collapsed row are part of the row, and take no space below the
    // row.
    if (isCollapsed) return [{ ...row, panels: formatted }]
    y += Math.ceil(panels.length / perLine) * height
    return [{ ...row, panels: [] }, ...formatted]
  })
}

function formatPanel({ title, description, kind, unit, queries, red, max }: Panel) {
  const defaults = {
    unit,
    min: 0,
    ...(max === undefined ? {} : { max }),
    ...(red ? { thresholds: thresholdsOf(red) } : {}),
  }
  return {
    type: kind,
    title,
    ...(description ? { description } : {}),
    datasource,
    fieldConfig: { defaults, overrides: [] },
    targets: queries.map(({ expr, legend }, index) => ({
      refId: String.fromCharCode('A'.charCodeAt(0) + index),
      datasource,
      expr,
      legendFormat: legend,
      ...(kind === 'stat' ? { instant: true } : {}),
    })),
  }
}

function thresholdsOf(red: NonNullable<Panel['red']>) {
  const [first, then, value] =
    'from' in red ? ['green', 'red', red.from] : ['red', 'green', red.below]
  return {
    mode: 'absolute',
    steps: [
      { color: first, value: null },
      { color: then, value },
    ],
  }
}
