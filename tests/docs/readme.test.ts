import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { minServerVersion } from '../../runtime/nats/server-version.ts'
import { findNatsCli } from '../../stack/install/nats-cli.ts'
import {
  type CommandLine,
  type CommandResult,
  createCommandLine,
  run,
  runtime,
} from '../support/command-line.ts'

const root = join(import.meta.dirname, '..', '..')
const readme = await readFile(join(root, 'README.md'), 'utf8')

describe('the README', () => {
  it('names the oldest nats-server that the runtime accepts', () => {
    expect(readme).toContain(`a \`nats-server\` ${minServerVersion} or later`)
    expect(readme).toContain(`an external NATS server, ${minServerVersion} or later`)
  })

  let bench: CommandLine
  let env: Record<string, string>

  beforeAll(async () => {
    bench = await createCommandLine()
    const [, source = ''] = /`functions\/greet\.ts`:\n\n```ts\n(.*?)```/s.exec(readme) ?? []
    const folder = await bench.write({ 'greet.ts': source })
    await bench.start(folder)
    env = { NATS_URL: bench.nats.urlOf('ops') }
  })
  afterAll(() => bench?.[Symbol.asyncDispose]())

  /** Runs a command of the README, but without `npm run`, which would print more lines. */
  const asWritten = async (line: string): Promise<CommandResult> => {
    expect(readme).toContain(`\n${line}`)
    const [, verb = '', rest = ''] = /^npm run runtime -- (\S+)(.*?)(?: --as|$)/.exec(line) ?? []
    const [name, json] = rest.trim().split(/ (?=')/)
    const args = [verb, name, json?.slice(1, -1)].filter((it): it is string => Boolean(it))
    if (line.includes(' --as ')) args.push('--as', line.split(' --as ')[1] ?? '')
    return runtime(args, { env, cwd: root })
  }

  it('shows a function, and commands that list it, call it and print its statistics', async () => {
    expect((await asWritten('npm run runtime -- ls')).stdout).toMatch(/greet\s+1\.0\.0/)

    const answer = await asWritten(`npm run runtime -- call greet '{"name":"Ada"}' --as alice`)
    expect(JSON.parse(answer.stdout)).toEqual({ greeting: 'Hello Ada, says alice' })

    expect((await asWritten('npm run runtime -- stats greet')).stdout).toMatch(/greet.*\b1\b/)
  })

  it('shows a command that checks the functions of the project without starting them', async () => {
    const checked = await asWritten('npm run runtime -- check functions/')
    expect(checked).toMatchObject({ code: 0 })
    expect(checked.stdout).toContain('chat.history')
  })

  it('names the version of the nats command that this test uses to list the function', async () => {
    const nats = await findNatsCli()
    const listed = await run(nats, ['-s', env.NATS_URL ?? '', 'micro', 'ls'])
    expect(listed.stdout).toContain('greet')
    const { stdout } = await run(nats, ['--version'])
    expect(readme).toContain(`natscli/nats@v${stdout.trim().replace(/^v/, '')}`)
  })
})
