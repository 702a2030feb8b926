import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '@nats-io/transport-node'
import * as v from 'valibot'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createClient } from '#runtime/client'
import { contracts } from '#schema/contracts'
import type { RoomId } from '#schema/ids'
import { findNatsCli } from '../../stack/install/nats-cli.ts'
import { findPrometheus, findPromtool } from '../../stack/install/prometheus.ts'
import { type Alert, createAlerts } from '../../stack/observability/alerts.ts'
import { createDashboards } from '../../stack/observability/dashboards.ts'
import { createFiles } from '../../stack/observability/files.ts'
import { type FunctionGroups, readFunctions } from '../../stack/observability/functions.ts'
import { expressionOf } from '../../stack/observability/rules.ts'
import { freePort } from '../../stack/ports.ts'
import { startProcess } from '../../stack/services/process.ts'
import { startRuntimeService } from '../../stack/services/runtime.ts'
import { run, writeFolder } from '../support/command-line.ts'
import { type ExportedSpan, spansOf, startReceiver } from '../support/otlp-receiver.ts'
import { canRun } from '../support/programs.ts'
import { type Servers, startServers } from '../support/servers.ts'

const root = join(import.meta.dirname, '..', '..')
const folder = join(root, 'deploy', 'observability')

let functions: FunctionGroups
let alerts: Alert[]
let queries: string[]
beforeAll(async () => {
  functions = await readFunctions([join(root, 'functions'), join(root, 'apps')])
  alerts = createAlerts(functions)
  queries = createDashboards(functions)
    .flatMap(({ rows }) => rows)
    .flatMap(({ panels }) => panels)
    .flatMap((panel) => panel.queries)
    .map(({ expr }) => expr.replaceAll('$__rate_interval', '30s'))
})

const namesOf = (list: readonly Alert[]) => [...new Set(list.map(({ name }) => name))].toSorted()

describe('the folder deploy/observability', () => {
  it('contains the files that npm run observability writes', async () => {
    for (const [name, content] of createFiles(functions))
      expect(await readFile(join(folder, name), 'utf8'), name).toBe(content)
    const written = [...createFiles(functions).keys()]
    const present = (await readdir(folder, { recursive: true })).filter((name) => /\./.test(name))
    const others = [
      'grafana/dashboards.yml',
      'grafana/datasources.yml',
      'jaeger.yml',
      'prometheus.compose.yml',
      'prometheus.yml',
    ]
    expect(present.toSorted()).toEqual([...written, ...others].toSorted())
  })

  it('has dashboards whose panels do not overlap and have unique ids', () => {
    for (const [name, content] of createFiles(functions)) {
      if (!name.endsWith('.json')) continue
      const panels: Panel[] = JSON.parse(content).panels
      const nested = panels.flatMap((panel) => [panel, ...(panel.panels ?? [])])
      expect(new Set(nested.map(({ id }) => id)).size, name).toBe(nested.length)
      expectNoOverlap(panels)
      for (const { panels: inside = [] } of panels) expectNoOverlap(inside)
    }
  })

  it('has a runbook for each alert, an alert for each runbook, and tests of each alert', async () => {
    const runbooks = await readFile(join(root, 'docs', 'runbooks.md'), 'utf8')
    const sections = [...runbooks.matchAll(/^## (.+)$/gm)].map(([, title]) => title)
    const tests = await readFile(join(import.meta.dirname, 'alerts.test.yml'), 'utf8')
    const tested = [...tests.matchAll(/ALERTS\{alertname="(\w+)"/g)].map(([, name]) => name)

    expect(sections.toSorted()).toEqual(namesOf(alerts))
    expect([...new Set(tested)].toSorted()).toEqual(namesOf(alerts))
  })
})

async function withFolder(work: (dir: string) => Promise<void>) {
  const dir = await mkdtemp(join(tmpdir(), 'natter-observability-'))
  try {
    await work(dir)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

interface Panel {
  id: number
  gridPos: { x: number; y: number; w: number; h: number }
  panels?: Panel[]
}

function expectNoOverlap(panels: readonly Panel[]) {
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, index) => `${x + (index % w)} ${y + Math.floor(index / w)}`),
  )
  expect(new Set(cells).size).toBe(cells.length)
}

describe('npm run observability', () => {
  it('fails if a folder cannot be loaded, or an option is unknown', async () => {
    const main = join(root, 'stack', 'observability', 'main.ts')
    const missing = await run(process.execPath, [main, 'no-such-folder'])
    expect(missing).toMatchObject({ code: 1, stdout: '' })
    expect(missing.stderr).toMatch(/no-such-folder: the folder does not exist/)
    expect(await run(process.execPath, [main, '--output', 'x'])).toMatchObject({ code: 2 })
  })
})

describe.skipIf(!(await canRun(findPromtool)))('promtool', () => {
  async function promtool(...args: string[]) {
    const { code, stdout, stderr } = await run(await findPromtool(), args)
    return { code, output: stdout + stderr }
  }

  it('accepts the configurations, the rules and their tests', async () => {
    for (const name of ['prometheus.yml', 'prometheus.compose.yml']) {
      const config = await promtool('check', 'config', join(folder, name))
      expect(config, config.output).toMatchObject({ code: 0 })
    }
    const tests = await promtool('test', 'rules', join(import.meta.dirname, 'alerts.test.yml'))
    expect(tests, tests.output).toMatchObject({ code: 0 })
  })

  it('accepts the configuration in docs/deployment.md', async () => {
    const document = await readFile(join(root, 'docs', 'deployment.md'), 'utf8')
    const [, section = ''] = document.split('\n## Monitoring\n')
    const [, config = ''] = /^```yaml\n(.+?)^```/ms.exec(section) ?? []
    expect(config).toContain('dns_sd_configs')
    await withFolder(async (dir) => {
      const file = join(dir, 'prometheus.yml')
      await writeFile(file, config)
      const checked = await promtool('check', 'config', file)
      expect(checked, checked.output).toMatchObject({ code: 0 })
    })
  })

  it('accepts the rules that npm run observability writes for a folder of other functions', async () => {
    await withFolder(async (dir) => {
      const own = ['examples', '--out', dir, '--runbooks', 'https://wiki.example/runbooks']
      const { code, stderr } = await run(
        process.execPath,
        [join(root, 'stack', 'observability', 'main.ts'), ...own],
        { cwd: root },
      )
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })

      const file = join(dir, 'natter.rules.yml')
      const checked = await promtool('check', 'rules', file)
      expect(checked, checked.output).toMatchObject({ code: 0 })
      const rules = await readFile(file, 'utf8')
      expect(rules).toContain('"https://wiki.example/runbooks#nattererrors"')
      expect(rules).toContain('parcel[.]deliver')
      expect(rules).not.toContain('NatterLoginErrors')
    })
  })

  it('shows that the alert for missed ticks fires for a stopped cron schedule, but not for one that was never due', async () => {
    await using stack = new AsyncDisposableStack()
    const daily = (name: string, cron: string) => [
      `${name}.ts`,
      `import { defineFunction, schedule } from '#runtime'
export default defineFunction(schedule({ cron: '${cron}' }), () => {})`,
    ]
    const files = [
      daily('report.daily', '0 0 3 * * *'),
      daily('report.new', '0 0 4 * * *'),
      daily('report.monthly', '@monthly'),
    ]
    const own = await writeFolder(Object.fromEntries(files), stack)
    const rules = createFiles(await readFunctions([own])).get('natter.rules.yml') ?? ''
    expect(rules).not.toContain('report[.]monthly"}[')
    await withFolder(async (dir) => {
      await writeFile(join(dir, 'natter.rules.yml'), rules)
      await writeFile(join(dir, 'test.yml'), stoppedCron)

      const tested = await promtool('test', 'rules', join(dir, 'test.yml'))

      expect(tested, tested.output).toMatchObject({ code: 0 })
    })
  })
})

/**
 * A test for promtool. `report.daily` ticks once, and misses its tick a day later. `report.new`
 * exists only from hour 20 on. At hour 27, `report.new` may not have been due yet, so it causes no
 * alert.
 */
const stoppedCron = `
rule_files: [natter.rules.yml]
evaluation_interval: 10m
tests:
  - interval: 10m
    input_series:
      - series: natter_ready
        values: 1+0x300
      - series: natter_calls_total{job="natter",instance="a",function="report.daily"}
        values: 0+0x6 1+0x293
      - series: natter_calls_total{job="natter",instance="a",function="report.new"}
        values: _x120 0+0x179
    promql_expr_test:
      - expr: ALERTS{alertstate="firing"}
        eval_time: 25h30m
      - expr: ALERTS{alertstate="firing"}
        eval_time: 27h
        exp_samples:
          - labels: ALERTS{alertname="NatterScheduleMissed",alertstate="firing",severity="warning",function="report.daily",window="1505m"}
            value: 1
`

/**
 * A function that runs one call at a time, and queues one more. Calls end once the folder contains
 * the file `end`.
 */
const crowded = `
import { existsSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import * as v from 'valibot'
import { defineFunction } from '#runtime'

const contract = { subject: 'crowded', audience: ['functions'], input: v.object({}), output: v.object({}) }

export default defineFunction(
  contract,
  async () => {
    while (!existsSync(import.meta.dirname + '/end')) await setTimeout(20)
    return {}
  },
  { concurrency: 1, maxQueued: 1, perCaller: { concurrency: 1, maxQueued: 1 } },
)
`

/** A function that rejects all messages. */
const reject = `
import * as v from 'valibot'
import { defineFunction, stream } from '#runtime'

const refunds = { stream: 'REFUNDS', subjects: ['refund.*'], config: { storage: 'memory' } }
const refund = { subject: 'refund.{id}', data: v.object({ id: v.string() }) }

export default defineFunction(stream(refunds, refund, { backoffMs: [] }), () => {
  throw new Error('there are no refunds')
})
`

const crowdedContracts = {
  crowded: {
    subject: 'crowded',
    audience: ['functions'],
    input: v.object({}),
    output: v.object({}),
    timeoutMs: 60_000,
  },
} as const

interface Vector {
  metric: Record<string, string>
  value: [time: number, value: string]
}

describe.skipIf(!(await canRun(findPrometheus)))('the monitoring of two runtimes', () => {
  const stack = new AsyncDisposableStack()
  let servers: Servers
  let url: string
  let health: string
  let receiver: Awaited<ReturnType<typeof startReceiver>>

  beforeAll(async () => {
    const ports = [await freePort(), await freePort()]
    receiver = stack.use(await startReceiver())
    servers = stack.use(
      await startServers('pglite', {
        HEALTH_PORT: String(ports[0]),
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
        OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
        OTEL_BSP_SCHEDULE_DELAY: '100',
      }),
    )
    health = `http://127.0.0.1:${ports[0]}`
    const dir = await mkdtemp(join(tmpdir(), 'natter-prometheus-'))
    stack.defer(() => rm(dir, { recursive: true, force: true }))
    const files = { 'crowded.ts': crowded, 'refund.reject.ts': reject }
    const env = { NATS_URL: servers.urls.functionsNats, HEALTH_PORT: String(ports[1]) }
    const other = await writeFolder(files, stack)
    stack.use(await startRuntimeService({ dir, env, folders: [other], name: 'other' }))
    url = await startPrometheus(dir, ports)
    await causeTraffic(other)
    const isComplete =
      'min(count_over_time(up{job="natter"}[1m])) > 5 and max(natter_dead_letters) > 0'
    // expect.poll does not work in hooks.
    await vi.waitFor(async () => expect(await query(isComplete)).toHaveLength(1), {
      timeout: 60_000,
      interval: 200,
    })
  })
  afterAll(() => stack.disposeAsync())

  /** Starts Prometheus with the stored prometheus.yml, but other addresses and intervals. */
  async function startPrometheus(dir: string, ports: readonly number[]): Promise<string> {
    const stored = await readFile(join(folder, 'prometheus.yml'), 'utf8')
    const targets = ports.map((port) => `"127.0.0.1:${port}"`).join(', ')
    const config = stored
      .replaceAll('_interval: 15s', '_interval: 500ms')
      .replace('natter.rules.yml', join(folder, 'natter.rules.yml'))
      .replace(/targets: \["127\.0\.0\.1:9464"\]/, `targets: [${targets}]`)
    await mkdir(join(dir, 'data'))
    await writeFile(join(dir, 'prometheus.yml'), config)
    const port = await freePort()
    const file = await findPrometheus()
    const args = [
      `--config.file=${join(dir, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(dir, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ]
    const service = await startProcess({
      dir,
      name: 'prometheus',
      command: () => ({ file, args, env: process.env }),
      async ready(_log, _from, signal) {
        const address = `http://127.0.0.1:${port}`
        const ask = async () =>
          expect((await fetch(`${address}/-/ready`, { signal })).status).toBe(200)
        await vi.waitFor(ask, { timeout: 30_000, interval: 50 })
        return address
      },
    })
    return stack.use(service).url
  }

  async function causeTraffic(other: string) {
    const { username, password, host } = new URL(servers.urls.functionsNats)
    const nc = await connect({ servers: host, user: username, pass: password })
    stack.defer(() => nc.close())
    const client = createClient(nc, {
      contracts: { ...contracts, ...crowdedContracts },
      user: 'ada',
    })
    for (let call = 0; call < 10; call++) await client.call('room.list', {})
    expect(await client.try('room.info', { room: 'none' as RoomId })).toHaveProperty('error')
    const calls = [1, 2, 3].map(() => client.try('crowded', {}))
    nc.publish('refund.a', '{"id":"a"}')
    await vi.waitFor(
      async () =>
        expect(
          await query('sum(rate(natter_call_failures_total{code="overloaded"}[1m]))'),
        ).toHaveLength(1),
      { timeout: 30_000, interval: 100 },
    )
    await writeFile(join(other, 'end'), '')
    await Promise.all(calls)
  }

  async function api<T>(path: string, body?: URLSearchParams): Promise<T> {
    const response = await fetch(`${url}/api/v1/${path}`, body ? { method: 'POST', body } : {})
    const { status, data, error } = await response.json()
    expect({ status, error, path: String(body ?? path) }).toMatchObject({ status: 'success' })
    return data
  }

  async function query(text: string): Promise<Vector[]> {
    const { result } = await api<{ result: Vector[] }>(
      'query',
      new URLSearchParams({ query: text }),
    )
    return result
  }

  it('finds the data of every panel', async () => {
    const empty: string[] = []
    for (const text of queries) if ((await query(text)).length === 0) empty.push(text)

    // Panels of failures may be empty: failures are counted by function, and most functions have
    // not failed.
    const isOfFailures = (text: string) => text.includes('natter_call_failures_total{function')
    expect(empty.filter((text) => !isOfFailures(text))).toEqual([])
    expect(empty.length).toBeLessThan(queries.filter(isOfFailures).length)
  })

  it('finds the data of every alert', async () => {
    const empty = []
    for (const alert of alerts) {
      await query(expressionOf(alert))
      if ((await query(alert.value)).length === 0) empty.push(alert.name)
    }

    // These alerts have no data, because no login and no consumer of the chat has failed.
    expect(empty).toEqual(['NatterLoginErrors', 'NatterConsumerFailing'])
  })

  it('evaluates all rules, and fires the alert for a dead letter', async () => {
    interface Rule {
      name: string
      health: string
      lastError?: string
    }
    const read = async () => (await api<{ groups: { rules: Rule[] }[] }>('rules')).groups
    await expect
      .poll(async () => (await read()).flatMap(({ rules }) => rules).map((rule) => rule.health))
      .toEqual(alerts.map(() => 'ok'))

    await expect
      .poll(() => query('ALERTS{alertstate="firing",alertname="NatterDeadLetters"}'))
      .toMatchObject([{ metric: { service: 'refund-reject', severity: 'warning' } }])
  })

  it('gets metrics that `promtool check metrics` accepts', async () => {
    const stdin = await (await fetch(`${health}/metrics`)).text()
    const { code, stdout, stderr } = await run(await findPromtool(), ['check', 'metrics'], {
      stdin,
    })

    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: '' })
  })

  it('gets the SQL statements of a function as child spans of its call', async () => {
    const calls = () => spansOf(receiver.received).spans
    const inCall = ({ traceId }: ExportedSpan) => calls().filter((span) => span.traceId === traceId)
    await expect.poll(() => calls().filter(({ name }) => name === 'room.list').length).toBe(10)
    const [call] = calls().filter(({ name }) => name === 'room.list') as [ExportedSpan]

    const statements = inCall(call).filter(({ parentSpanId }) => parentSpanId === call.spanId)
    expect(statements.length).toBeGreaterThan(0)
    for (const { name, attributes, startTimeUnixNano, endTimeUnixNano } of statements) {
      expect(name).toMatch(/^[A-Z]+ \w+$/)
      expect(attributes.map(({ key }) => key)).toEqual(['db.system.name', 'db.query.text'])
      expect(BigInt(startTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(call.startTimeUnixNano))
      expect(BigInt(endTimeUnixNano)).toBeLessThanOrEqual(BigInt(call.endTimeUnixNano))
    }
  })

  it('is explained by runbooks whose commands can be run', async () => {
    const runbooks = await readFile(join(root, 'docs', 'runbooks.md'), 'utf8')
    const blocks = [...runbooks.matchAll(/^```sh\n(.+?)^```/gms)].map(([, text = '']) => text)
    const commands = blocks
      .flatMap((block) => block.trim().split('\n'))
      .filter((line) => /^(runtime |nats |curl -s .*http:\/\/127)/.test(line))
      .filter((line) => !/^runtime dead (replay|discard)/.test(line))
    expect(commands.length).toBeGreaterThan(5)

    const env = { NATS_URL: servers.nats.urlOf('ops') }
    for (const command of new Set(commands)) {
      const line = command
        .replace(/^nats/, await findNatsCli())
        .replace(/^runtime/, `"${process.execPath}" "${join(root, 'runtime', 'bin.mjs')}"`)
        .replace('http://127.0.0.1:9090', health)
      const { code, stdout, stderr } = await run('bash', ['-ceo', 'pipefail', line], { env })
      expect({ command, code, stderr }).toEqual({ command, code: 0, stderr: '' })
      expect(stdout, command).not.toBe('')
    }
  })

  it('shows when the database becomes unavailable, and when it is available again', async () => {
    const isAvailable = async () => {
      const [found] = await query('min(natter_dependency_available{dependency="postgresql"})')
      return found?.value[1]
    }
    expect(await isAvailable()).toBe('1')

    await servers.database.kill('SIGKILL')
    await expect.poll(isAvailable).toBe('0')
    await servers.database.restart()
    await expect.poll(isAvailable).toBe('1')
  })
})
