import { connect } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findNatsCli } from '../../stack/install/nats-cli.ts'
import {
  add,
  type CommandLine,
  createCommandLine,
  greet,
  hear,
  run,
} from '../support/command-line.ts'

let bench: CommandLine
let cli: string

beforeAll(async () => {
  cli = await findNatsCli()
  bench = await createCommandLine()
  const functions = await bench.write({
    'greet.ts': greet,
    'room.members.add.ts': add,
    'told.hear.ts': hear,
  })
  await bench.start(functions)
}, 400_000)

afterAll(() => bench?.[Symbol.asyncDispose]())

describe('the nats command', () => {
  it('lists every function, whatever its trigger', async () => {
    const services = await natsJson('micro', 'ls', '--json')

    expect(services).toHaveLength(3)
    expect(services).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          name: 'greet',
          version: '1.2.3',
          description: 'Greets somebody by name',
        }),
        expect.objectContaining({ name: 'room-members-add', version: '1.0.0' }),
        expect.objectContaining({ name: 'told-hear', version: '1.0.0' }),
      ]),
    )
  })

  it('lists the functions as a table', async () => {
    const { stdout } = await nats('micro', 'ls')

    expect(stdout).toMatch(/greet .*1\.2\.3 .*Greets somebody by name/)
  })

  it('shows the metadata of a function', async () => {
    const { info } = await natsJson('micro', 'info', 'greet', '--json')

    expect(info.endpoints).toMatchObject([
      {
        name: 'greet',
        subject: 'as.*.greet.*',
        queue_group: 'greet',
        metadata: {
          template: 'as.{caller}.greet.{name}',
          trigger: 'request',
          audience: 'everyone',
        },
      },
    ])
  })

  it('shows rejected and failed calls as errors, and counts the time that a function spends in `await` as processing time', async () => {
    const [before] = await endpointsOf('greet')
    await callGreet(5, { takesMs: 40 })
    await callGreet(3, { takesMs: 40, ends: 'refused' })
    await callGreet(2, { takesMs: 40, ends: 'thrown' })
    await callGreet(1, { takesMs: 'soon' })
    const [after] = await endpointsOf('greet')

    expect(after.num_requests - before.num_requests).toBe(11)
    expect(after.num_errors - before.num_errors).toBe(6)
    expect(after.last_error).toMatch(/./)
    const spentMs = (after.processing_time - before.processing_time) / 1e6
    expect(spentMs).toBeGreaterThanOrEqual(10 * 39)
    expect(spentMs).toBeLessThan(11 * 5_000)
    expect(after.average_processing_time).toBe(
      Math.round(after.processing_time / after.num_requests),
    )
  })

  it('shows the statistics that only Natter’s services report, such as the calls in flight and the 99th percentile of durations', async () => {
    await callGreet(1, { takesMs: 40 })
    const [{ data }] = await endpointsOf('greet')

    expect(data).toMatchObject({ in_flight: 0, queued: 0, shed: 0, timeouts: 0 })
    expect(data.p99_ms).toBeGreaterThanOrEqual(39)
  })

  it('shows the statistics as a table', async () => {
    const { stdout } = await nats('micro', 'stats', 'greet')

    expect(stdout).toContain('greet Service Statistics')
    expect(stdout).toMatch(/│ greet +│ \d+ +│ greet +│ \d+ +│/)
  })

  it('pings a function', async () => {
    const { stdout } = await nats('--timeout', '500ms', 'micro', 'ping', 'greet')

    expect(stdout).toMatch(/^greet +\w+ +rtt=/m)
  })

  it('calls a function as a user', async () => {
    const { stdout } = await nats('req', 'as.alice.greet.ada', '{}', '--raw')

    expect(JSON.parse(stdout)).toMatchObject({ text: 'hello ada', by: 'alice' })
  })

  it('calls an internal function by its service name', async () => {
    const { stdout } = await nats(
      ...['micro', 'request', 'room-members-add', 'room-members-add', '{"a":2,"b":3}'],
    )

    expect(JSON.parse(stdout)).toEqual({ sum: 5 })
  })

  it('cannot call a function by its service name if the function’s subject has a wildcard for the caller', async () => {
    const { stdout } = await nats('micro', 'request', 'greet', 'greet', '{}')

    expect(JSON.parse(stdout)).toMatchObject({ code: 'invalid' })
  })

  it('shows an error reply, whose headers contain the status', async () => {
    const { stdout, stderr } = await nats('req', 'as.alice.greet.ada', '{"ends":"refused"}')

    expect(stdout + stderr).toContain('Nats-Service-Error-Code: 404')
    expect(stdout).toContain('"code":"not_found"')
  })
})

async function nats(...args: string[]) {
  const ran = await run(cli, ['--no-context', '-s', bench.nats.urlOf('ops'), ...args])
  if (ran.code !== 0)
    throw new Error(`nats ${args.join(' ')} ended with ${ran.code}: ${ran.stderr}`)
  return ran
}

async function natsJson(...args: string[]) {
  return JSON.parse((await nats(...args)).stdout)
}

async function endpointsOf(service: string) {
  const [stats] = await natsJson('micro', 'stats', service, '--json')
  return stats.endpoints
}

async function callGreet(times: number, input: object) {
  const url = new URL(bench.nats.urlOf('functions'))
  const nc = await connect({ servers: url.host, user: url.username, pass: url.password })
  const ask = () => nc.request('as.ada.greet.you', JSON.stringify(input), { timeout: 5_000 })
  await Promise.all(Array.from({ length: times }, ask))
  await nc.close()
}
