import { execFileSync } from 'node:child_process'
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { readRuntimeConfig } from '../../runtime/server/config.ts'
import { run } from '../support/command-line.ts'

const root = join(import.meta.dirname, '..', '..')
const folder = join(root, 'deploy', 'systemd')

interface Unit {
  name: string
  text: string
  values(key: string): string[]
}

let units: Unit[]
beforeAll(async () => {
  const names = await readdir(folder)
  units = await Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(folder, name), 'utf8')
      const lines = text.split('\n')
      const values = (key: string) =>
        lines.flatMap((line) => (line.startsWith(`${key}=`) ? line.slice(key.length + 1) : []))
      return { name, text, values }
    }),
  )
})

function hasSystemd(): boolean {
  try {
    execFileSync('systemd-analyze', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

describe('deploy/systemd', () => {
  it.skipIf(!hasSystemd() && !process.env.CI)('is accepted by systemd-analyze verify', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'natter-systemd-'))
    onTestFinished(() => rm(dir, { recursive: true, force: true }))
    await cp(folder, dir, { recursive: true })
    for (const { name, text } of units) {
      const installed = text.replace(/^ExecStart=\S+/m, `ExecStart=${process.execPath}`)
      await writeFile(join(dir, name), installed)
    }
    const files = units.map(({ name }) => join(dir, name.replace('@', '@1')))

    expect(await run('systemd-analyze', ['verify', ...files])).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    })
  })

  it('runs commands that exist, with files in the repository', async () => {
    const commands = units.flatMap((unit) => unit.values('ExecStart'))
    expect(commands).toHaveLength(units.length)
    for (const command of commands) {
      const [, config, script, args = ''] =
        /nats-server -c \/opt\/natter\/(\S+)$|node (\S+) (.+)$/.exec(command) ?? []
      await readFile(join(root, config ?? script ?? command))
      if (!script) continue
      const { code, stdout } = await run(process.execPath, [
        join(root, script),
        ...args.split(' '),
        '--help',
      ])
      expect(code).toBe(0)
      for (const [option] of args.matchAll(/--\S+/g)) expect(stdout).toContain(option)
    }
  })

  it('reads the secrets that npm run secrets writes, as variables that the README lists', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'natter-systemd-'))
    onTestFinished(() => rm(dir, { recursive: true, force: true }))
    await run(process.execPath, [join(root, 'stack', 'generate-secrets.ts'), dir])
    const written = await readdir(dir)
    const readme = await readFile(join(root, 'README.md'), 'utf8')
    for (const unit of units) {
      const loaded = unit
        .values('LoadCredential')
        .map((value) => value.split(':') as [string, string])
      const files = [...unit.text.matchAll(/\/etc\/natter\/secrets\/(\S+)/g)].map(([, it]) => it)
      expect(written).toEqual(expect.arrayContaining(files))
      expect(unit.values('Environment')).toEqual(loaded.map(([name]) => `${name}_FILE=%d/${name}`))
      for (const [name] of loaded) expect(readme).toContain(`\`${name}\``)
    }
  })

  it('lets a runtime stop for more than twice the time for which it waits for its calls in flight', () => {
    const runtime = units.find(({ name }) => name.startsWith('natter-runtime'))
    const [seconds] = runtime?.values('TimeoutStopSec') ?? []

    expect(Number(seconds) * 1_000).toBeGreaterThan(2 * readRuntimeConfig({}).drainMs)
  })
})
