import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Svcm } from '@nats-io/services'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  add,
  type CommandLine,
  createCommandLine,
  greet,
  hear,
  run,
  runtime,
} from '../support/command-line.ts'

let bench: CommandLine
let functions: string
let ops: Record<string, string>

beforeAll(async () => {
  bench = await createCommandLine()
  functions = await bench.write({
    'greet.ts': greet,
    'room.members.add.ts': add,
    'told.hear.ts': hear,
    '_shared.ts': 'export const shared = 1',
  })
  ops = { NATS_URL: bench.nats.urlOf('ops') }
})

afterAll(() => bench?.[Symbol.asyncDispose]())

describe('runtime check', () => {
  it('lists the functions of the folder', async () => {
    const { code, stdout, stderr } = await runtime(['check', functions])

    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^NAME +TRIGGER +SUBJECT +AUDIENCE +VERSION\n/)
    expect(stdout).toMatch(/^greet +request +as\.\{caller\}\.greet\.\{name\} +everyone +1\.2\.3$/m)
    expect(stdout).toMatch(/^room\.members\.add +request +room\.members\.add +functions +1\.0\.0$/m)
    expect(stdout).toMatch(/^told\.hear +event /m)
  })

  it('prints the functions as JSON', async () => {
    const { stdout } = await runtime(['check', functions, '--json'])

    const { functions: listed, problems } = JSON.parse(stdout)
    expect(problems).toEqual([])
    expect(listed).toContainEqual({
      name: 'greet',
      trigger: 'request',
      subject: 'as.{caller}.greet.{name}',
      audience: ['everyone'],
      version: '1.2.3',
    })
  })
})

describe('a file that cannot be served', () => {
  const sources = {
    'no.syntax.ts': 'export default defineFunction(',
    'no.default.ts': 'export const something = 1',
    'no.function.ts': 'export default { handle() {} }',
    'No_Name.ts': greet,
    'twin.one.ts': add,
    'twin.two.ts': add,
  }
  let broken: string
  beforeAll(async () => {
    broken = await bench.write(sources)
  })

  it.each(['check', 'start'])(
    'is reported by runtime %s with the faulty export and the reason',
    async (verb) => {
      const env = { NATS_URL: bench.nats.urlOf('functions') }
      const { code, stderr } = await runtime([verb, broken], { env })

      expect(code).toBe(1)
      expect(stderr).toMatch(/no\.syntax\.ts: .*SyntaxError: .+/)
      expect(stderr).toMatch(/no\.default\.ts: default: .+/)
      expect(stderr).toMatch(/no\.function\.ts: default: .+/)
      expect(stderr).toMatch(/No_Name\.ts: "No_Name" is not a function name/)
      expect(stderr).toMatch(/twin\.two\.ts: default\.subject: .* overlaps .* of twin\.one\.ts/)
    },
  )

  it('is reported as JSON with the file, the export and the reason', async () => {
    const { code, stdout } = await runtime(['check', broken, '--json'])

    expect(code).toBe(1)
    const { problems } = JSON.parse(stdout)
    expect(problems).toContainEqual({
      file: expect.stringMatching(/no\.default\.ts$/),
      export: 'default',
      reason: expect.stringMatching(/.+/),
    })
  })

  it('makes runtime start --instances fail, and is reported once, not by each instance', async () => {
    const env = { NATS_URL: bench.nats.urlOf('functions') }
    const { code, stderr } = await runtime(['start', broken, '--instances', '3'], { env })

    expect(code).toBe(1)
    expect(stderr.match(/no\.default\.ts/g)).toHaveLength(1)
  })
})

describe('a file that misbehaves when it is imported', () => {
  const sources = {
    'aborts.ts': 'process.abort()',
    'exits.ts': "import process from 'node:process'\nprocess.exit(0)",
    'loops.ts': 'for (;;);',
    'waits.ts': 'await new Promise(() => {})',
    'works.ts': greet,
    'wrong.ts': 'export default 1',
  }

  it('is reported by runtime check if its import hangs or ends the process, together with all other problems', async () => {
    const folder = await bench.write(sources)
    const env = { NATTER_IMPORT_MS: '2000' }
    const { code, stdout } = await runtime(['check', folder, '--json'], { env })

    const { problems } = JSON.parse(stdout)
    expect(code).toBe(1)
    expect(problems).toEqual(
      [
        ['aborts.ts', /its import ends the process \(SIGABRT\)/],
        ['exits.ts', /its import ends the process \(exit code 0\)/],
        ['loops.ts', /its import did not end within 2000 ms/],
        ['waits.ts', /its import did not end within 2000 ms/],
        ['wrong.ts', /was not created by defineFunction/],
      ].map(([file, reason]) => ({
        file: expect.stringContaining(String(file)),
        export: expect.any(String),
        reason: expect.stringMatching(reason ?? ''),
      })),
    )
  })

  it('makes runtime start exit with code 1 and name the file, if the file calls process.exit(0)', async () => {
    const folder = await bench.write({ 'exits.ts': sources['exits.ts'] })
    const { code, stderr } = await runtime(['start', folder])

    expect(code).toBe(1)
    expect(stderr).toMatch(/exits\.ts ends the process when it is imported/)
  })

  it('cannot disturb runtime check by messages to its parent process', async () => {
    const folder = await bench.write({ 'sends.ts': `process.send?.('hello')\n${greet}` })
    const { code, stderr } = await runtime(['check', folder])

    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })

  it('does not mix its output with that of runtime check', async () => {
    const folder = await bench.write({ 'prints.ts': `console.log('noise')\n${greet}` })
    const { code, stdout, stderr } = await runtime(['check', folder, '--json'])

    expect({ code, stderr }).toEqual({ code: 0, stderr: 'noise\n' })
    expect(JSON.parse(stdout).problems).toEqual([])
  })
})

describe('a running service', () => {
  let foreign: NatsConnection
  beforeAll(async () => {
    await bench.start(functions)
    foreign = await connect(loginOf('functions'))
    const weather = await new Svcm(foreign).add({ name: 'weather', version: '2.0.0' })
    weather.addEndpoint('today', {
      subject: 'as.w.today',
      handler: (_, message) => message.respond(`sunny ${message.string()}`),
    })
    weather.addEndpoint('storm', {
      subject: 'as.w.storm',
      handler: (_, message) => message.respondError(418, 'no tea', '{"pot":1}'),
    })
    for (const verb of ['PING', 'INFO', 'STATS'])
      foreign.subscribe(`$SRV.${verb}`, {
        callback(_, message) {
          message.respond('{"name":"crooked","id":"C1","version":"1"}')
        },
      })
    await foreign.flush()
  })
  afterAll(() => foreign?.close())

  it('is listed even if another library serves it; a service with invalid replies is reported', async () => {
    const { code, stdout } = await runtime(['ls'], { env: ops })

    expect(code).toBe(0)
    expect(stdout).toMatch(/^greet +1\.2\.3 +1 +request +as\.\{caller\}\.greet\.\{name\} +Greets /m)
    expect(stdout).toMatch(/^told-hear +1\.0\.0 +1 +event /m)
    expect(stdout).toMatch(/^weather +2\.0\.0 +1 +- +as\.w\.today as\.w\.storm$/m)
    expect(stdout).toMatch(/^invalid answer: crooked C1: .*version: not a semantic version/m)
  })

  it('is listed as JSON', async () => {
    const { stdout } = await runtime(['--json', 'ls'], { env: ops })

    const { services, invalid } = JSON.parse(stdout)
    expect(services.map(({ name }: { name: string }) => name)).toEqual([
      'greet',
      'room-members-add',
      'told-hear',
      'weather',
    ])
    expect(invalid).toMatchObject([{ name: 'crooked', answer: { id: 'C1' } }])
  })

  it('is found by the name of its function, which has dots where the name of the service has hyphens', async () => {
    const { stdout } = await runtime(['info', 'room.members.add'], { env: ops })

    expect(stdout).toMatch(/^room-members-add 1\.0\.0$/m)
    expect(stdout).toMatch(/^ +subject +room\.members\.add$/m)
  })

  it('is described with its metadata by runtime info --json', async () => {
    const { stdout } = await runtime(['info', 'greet', '--json'], { env: ops })

    const { instances } = JSON.parse(stdout)
    expect(instances).toMatchObject([
      {
        name: 'greet',
        version: '1.2.3',
        endpoints: [{ metadata: { template: 'as.{caller}.greet.{name}', trigger: 'request' } }],
      },
    ])
  })

  it.each(['info', 'stats', 'ls', 'call'])(
    'is suggested, but not used, by runtime %s when its name is misspelt',
    async (verb) => {
      const { code, stdout, stderr } = await runtime([verb, 'gret'], { env: ops })

      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      expect(stderr).toBe('error: no service has the name gret; did you mean greet?\n')
    },
  )

  it('answers a call whose JSON contains the parameters of the subject', async () => {
    const { code, stdout } = await runtime(
      ['call', 'greet', '{"name":"ada","takesMs":5}', '--as', 'alice', '--json'],
      { env: ops },
    )

    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ text: 'hello ada', by: 'alice' })
  })

  it('answers a call of an internal function whose input is read from stdin', async () => {
    const { stdout } = await runtime(['call', 'room.members.add', '-'], {
      env: ops,
      stdin: '{"a":1,\n"b":2}',
    })

    expect(JSON.parse(stdout)).toEqual({ sum: 3 })
  })

  it('rejects a call, and the command prints the error code', async () => {
    const asked = ['call', 'greet', '{"name":"ada","ends":"refused"}', '--as', 'alice']
    const forPeople = await runtime(asked, { env: ops })
    const forPrograms = await runtime([...asked, '--json'], { env: ops })

    expect(forPeople).toEqual({ code: 1, stdout: '', stderr: 'not_found: There is no ada\n' })
    expect(JSON.parse(forPrograms.stderr)).toEqual({
      code: 'not_found',
      message: 'There is no ada',
    })
  })

  it('makes `runtime call` fail with timeout if it does not answer in time', async () => {
    const { code, stderr } = await runtime(
      ['call', 'greet', '{"name":"ada","takesMs":5000}', '--as', 'alice', '--timeout', '100'],
      { env: ops },
    )

    expect(code).toBe(1)
    expect(stderr).toMatch(/^timeout: /)
  })

  it('receives the payload of a call unchanged if its metadata has no subject template', async () => {
    const answer = await runtime(['call', 'weather/today', 'and {warm'], { env: ops })
    const refusal = await runtime(['call', 'weather/storm'], { env: ops })
    const which = await runtime(['call', 'weather'], { env: ops })

    expect(answer).toEqual({ code: 0, stdout: 'sunny and {warm\n', stderr: '' })
    expect(refusal).toMatchObject({ code: 1, stderr: expect.stringMatching(/^418: no tea\n/) })
    expect(which).toMatchObject({
      code: 2,
      stderr: 'error: weather has several endpoints: call one of weather/today, weather/storm\n',
    })
  })

  it('has its calls counted by runtime stats --json', async () => {
    const { stdout } = await runtime(['stats', 'room.members.add', '--json'], { env: ops })
    await runtime(['call', 'room.members.add', '{"a":1,"b":"x"}'], { env: ops })
    const later = await runtime(['stats', 'room.members.add', '--json'], { env: ops })

    const [before] = JSON.parse(stdout).sums
    const [after] = JSON.parse(later.stdout).sums
    expect(after).toMatchObject({
      name: 'room-members-add',
      instances: 1,
      requests: before.requests + 1,
      errors: before.errors + 1,
      inFlight: 0,
      queued: 0,
      shed: 0,
      p99Ms: expect.any(Number),
    })
  })

  it.each([
    ['{"name": ada}', /Unexpected token .*\n {2}\{"name": ada\}\n {11}\^\n$/],
    ['{"name":"ada",\n"takesMs":1', /line 2 column 12.*\n {2}"takesMs":1\n {13}\^\n$/],
    ['[1]', /the input must be an object/],
    ['{}', /greet needs name in its JSON/],
    ['{"name":"a.b"}', /"a\.b" cannot be \{name\}/],
  ])('is not called with invalid input; the error shows the mistake: %s', async (json, said) => {
    const { code, stderr } = await runtime(['call', 'greet', json, '--as', 'alice'], { env: ops })

    expect(code).toBe(2)
    expect(stderr).toMatch(said)
  })

  it('requires --as when the subject contains the caller', async () => {
    const { code, stderr } = await runtime(['call', 'greet', '{"name":"ada"}'], { env: ops })

    expect(code).toBe(2)
    expect(stderr).toContain('--as USER')
  })

  it('cannot be called when it is an event subscriber', async () => {
    const { code, stderr } = await runtime(['call', 'told.hear'], { env: ops })

    expect(code).toBe(2)
    expect(stderr).toBe('error: told.hear cannot be called: it subscribes to told.*\n')
  })

  it('is found on the server that stack.json names; --verbose prints the URL of the server', async () => {
    await using state = await temporaryFolder()
    const opsUrl = bench.nats.urlOf('ops')
    await writeFile(join(state.path, 'stack.json'), JSON.stringify({ opsUrl }))
    const { code, stdout, stderr } = await runtime(['ls', 'greet', '--verbose'], {
      env: { NATTER_STATE: state.path },
    })

    expect(code).toBe(0)
    expect(stdout).toContain('greet')
    expect(stderr).toBe(`using nats://ops@${new URL(opsUrl).host}, from ${state.path}/stack.json\n`)
    expect(stderr).not.toContain(new URL(opsUrl).password)
  })

  it('is listed without an error when the reader of the output closes the pipe', async () => {
    const command = `"${process.execPath}" runtime/bin.mjs ls --wait 300 | true`
    const cut = await run('bash', ['-o', 'pipefail', '-c', command], {
      env: ops,
      cwd: join(import.meta.dirname, '..', '..'),
    })

    expect(cut).toEqual({ code: 0, stdout: '', stderr: '' })
  })
})

describe('a command', () => {
  it('names an unreachable server in its error, but not the password', async () => {
    const { code, stdout, stderr } = await runtime(['ls', '--nats', 'nats://me:secret@127.0.0.1:1'])

    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/cannot connect to nats:\/\/me@127\.0\.0\.1:1 .*refused/)
    expect(stderr).not.toContain('secret')
  })

  it('reports that the server rejected the login', async () => {
    const url = bench.nats.urlOf('ops').replace(/:p\w+@/, ':pwrong@')
    const { code, stderr } = await runtime(['ls', '--nats', url])

    expect(code).toBe(1)
    expect(stderr).toMatch(/authorization violation/i)
    expect(stderr).not.toContain('pwrong')
  })

  it.each([
    [['lss'], /Did you mean ls\?/],
    [['start'], /missing required argument 'folders'/],
    [['start', 'functions', '--instances', 'many'], /whole number/],
    [['ls', '--nats', 'http://somewhere'], /begins with http:\/\//],
    [['ls', 'a b'], /is not a name/],
    [['call', 'greet', '{}', '--timeout', 'soon'], /whole milliseconds/],
  ])('exits with code 2 for the invalid arguments %j', async (args, said) => {
    const { code, stdout, stderr } = await runtime(args, { env: ops })

    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(said)
  })

  it.each(['', 'start', 'check', 'new', 'ls', 'info', 'stats', 'call'])(
    'is explained with examples by runtime %s --help',
    async (verb) => {
      const { code, stdout } = await runtime([verb, '--help'].filter(Boolean))

      expect(code).toBe(0)
      expect(stdout).toMatch(/Examples:\n {2}.*runtime /)
    },
  )
})

function loginOf(user: 'functions' | 'ops') {
  const url = new URL(bench.nats.urlOf(user))
  return { servers: url.host, user: url.username, pass: url.password }
}

async function temporaryFolder() {
  const path = await mkdtemp(join(tmpdir(), 'natter-state-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) }
}
