import { execFileSync, spawn } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { bin, type CommandLine, createCommandLine, greet, run } from '../support/command-line.ts'

const old = findOldNode()

let bench: CommandLine
let functions: string

beforeAll(async () => {
  bench = await createCommandLine()
  functions = await bench.write({ 'greet.ts': greet })
})

afterAll(() => bench?.[Symbol.asyncDispose]())

describe.skipIf(!old && !process.env.CI)('the launcher under an older Node', () => {
  it('runs the command with the Node that is installed as a dependency', async () => {
    const { code, stdout } = await run(old ?? '', [bin, 'check', functions, '--json'])

    expect(code).toBe(0)
    expect(JSON.parse(stdout).problems).toEqual([])
  })

  it('exits with the exit code of the command', async () => {
    const { code, stderr } = await run(old ?? '', [bin, 'ls', '--nats', 'nats://127.0.0.1:1'])

    expect(code).toBe(1)
    expect(stderr).toContain('cannot connect')
  })

  it('forwards signals, and exits when the command has exited', async () => {
    const { child, lines, exited } = await start()
    child.kill('SIGTERM')

    expect(await rest(lines)).toContain('stopped')
    await expect(exited).resolves.toBe(0)
  })

  it('forwards IPC messages, and stops the command when its IPC channel closes', async () => {
    const { child, lines, ready } = await start()
    await expect(ready).resolves.toEqual({ natter: 'ready' })
    child.disconnect()

    expect(await rest(lines)).toContain('stopped')
  })

  it('leaves no process behind when it is killed', async () => {
    const { child, lines } = await start()
    child.kill('SIGKILL')

    // The runtime inherits the output of the launcher, so the output ends when both have exited.
    expect(await rest(lines)).toContain('stopped')
  })
})

describe('the scripts of package.json', async () => {
  const file = join(import.meta.dirname, '..', '..', 'package.json')
  const { scripts } = JSON.parse(await readFile(file, 'utf8')) as {
    scripts: Record<string, string>
  }

  it.concurrent.for(Object.entries(scripts))(
    '%s prints its usage with --help, and does nothing else',
    { timeout: 60_000 },
    async ([, script], { expect }) => {
      const [, ...args] = script.split(' ')
      const { code, stdout, stderr } = await run(process.execPath, [...args, '--help'], {
        cwd: join(import.meta.dirname, '..', '..'),
      })

      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(stdout).toMatch(/^Usage: /)
    },
  )
})

describe('the installation of dependencies', () => {
  it('runs once when several scripts start at once', async () => {
    const { start } = await givenClone()

    const results = await Promise.all(Array.from({ length: 3 }, start))

    expect(results.map(({ code }) => code)).toEqual([0, 0, 0])
    for (const { stdout } of results) expect(stdout).toMatch(/^started$/m)
    expect(results.filter(({ stdout }) => stdout.includes('Installing'))).toHaveLength(1)
  })

  it('does not change the packages of another clone, even if node_modules is a link to them', async () => {
    const other = await givenClone()
    await other.start()
    const { root, start } = await givenClone()
    await symlink(join(other.root, 'node_modules'), join(root, 'node_modules'))
    await writeFile(join(root, 'package-lock.json'), JSON.stringify(lockOf('2.0.0')))

    expect((await start()).stdout).toMatch(/^started$/m)

    const installed = async (root: string) =>
      JSON.parse(await readFile(join(root, 'node_modules', '.package-lock.json'), 'utf8'))
    expect(await installed(other.root)).toEqual(lockOf('1.0.0'))
    expect(await installed(root)).toEqual(lockOf('2.0.0'))
  })
})

const lockOf = (version: string) => ({ packages: { '': {}, 'node_modules/a': { version } } })

async function givenClone() {
  const root = await mkdtemp(join(tmpdir(), 'natter-launch-'))
  onTestFinished(() => rm(root, { recursive: true, force: true }))
  const launcher = join(root, 'stack', 'launch.mjs')
  await mkdir(join(root, 'stack'))
  await copyFile(join(bin, '..', '..', 'stack', 'launch.mjs'), launcher)
  await writeFile(join(root, 'package-lock.json'), JSON.stringify(lockOf('1.0.0')))
  await writeFile(join(root, 'stack', 'start.ts'), 'console.log("started")')
  await writeFile(join(root, 'npm.js'), fakeNpm)
  const env = { npm_execpath: join(root, 'npm.js') }
  return { root, start: () => run(process.execPath, [launcher, 'start'], { env }) }
}

const fakeNpm = `
const { copyFileSync, mkdirSync } = require('node:fs')
mkdirSync('node_modules', { recursive: true })
setTimeout(() => copyFileSync('package-lock.json', 'node_modules/.package-lock.json'), 1000)
`

describe('npm run runtime', () => {
  it('stops when npm exits, although the shell of npm forwards no signals', async () => {
    const child = spawn('npm', ['run', '--silent', 'runtime', '--', 'start', functions], {
      cwd: join(bin, '..', '..'),
      env: { ...process.env, NATS_URL: bench.nats.urlOf('functions') },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const lines = await untilReady(child.stdout)
    child.kill('SIGTERM')

    expect(await rest(lines)).toContain('stopped')
  })
})

async function start() {
  const child = spawn(old ?? '', [bin, 'start', functions], {
    env: { ...process.env, NATS_URL: bench.nats.urlOf('functions') },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  const ready = new Promise((resolve) => child.once('message', resolve))
  const exited = new Promise((resolve) => child.once('exit', resolve))
  return { child, lines: await untilReady(child.stdout as Readable), ready, exited }
}

async function untilReady(input: Readable) {
  const lines = createInterface({ input })[Symbol.asyncIterator]()
  for (let line = await lines.next(); !line.done; line = await lines.next())
    if (JSON.parse(line.value).msg === 'ready') return lines
  throw new Error('It ended before it was ready')
}

async function rest(lines: AsyncIterator<string>) {
  const said: string[] = []
  for (let line = await lines.next(); !line.done; line = await lines.next())
    said.push(JSON.parse(line.value).msg)
  return said
}

function findOldNode() {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'node'))
    .find((node) => majorOf(node) < 24)
}

function majorOf(node: string) {
  try {
    return Number.parseInt(String(execFileSync(node, ['-p', 'process.versions.node'])), 10)
  } catch {
    return Number.NaN
  }
}
