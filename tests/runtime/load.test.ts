import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readRuntimeConfig } from '../../runtime/server/config.ts'
import { LoadError } from '../../runtime/server/load.ts'
import { startRuntime } from '../../runtime/server/run.ts'

/** Who tries here is refused, and would try again for a minute. */
const urlOfNobody = 'nats://127.0.0.1:1'

const head = `
import * as v from '${import.meta.resolve('valibot')}'
import { defineFunction, schedule, stream } from '${join(import.meta.dirname, '../../runtime/index.ts')}'
`
const contract = (subject: string) =>
  `{ subject: '${subject}', audience: ['everyone'], input: v.object({}), output: v.number() }`
const answers = (subject: string, options = '{}') =>
  `${head}export default defineFunction(${contract(subject)}, () => 1, ${options})`

describe('a folder that cannot be served', () => {
  /** Why it is not, and what came of the attempt besides. */
  async function failed(files: Record<string, string>, env: Record<string, string> = {}) {
    const folder = await mkdtemp(join(tmpdir(), 'natter-load-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    for (const [name, source] of Object.entries(files)) await writeFile(join(folder, name), source)
    const lines: string[] = []
    const log = pino({}, { write: (line) => lines.push(line) })
    const config = readRuntimeConfig({ ...env, NATS_URL: urlOfNobody })
    const error = await startRuntime({ folder, config, log }).catch((error: unknown) => error)
    if (!(error instanceof LoadError)) throw new Error('It was no LoadError', { cause: error })
    return { error, lines }
  }

  it('is not, with all that is wrong and where, before anybody is connected to', async () => {
    const { error, lines } = await failed({
      '_shared.ts': 'this is not even looked at',
      'Good.Name.ts': answers('named'),
      'good.ts': answers('good.{id}'),
      'no-default.ts': `${head}export const answer = defineFunction(${contract('none')}, () => 1)`,
      'no-function.ts': 'export default () => 1',
      'no-limit.ts': answers('limit', '{ concurrency: 0 }'),
      'no-module.tsx': '',
      'no-subject.ts': answers('no subject'),
      'no-version.ts': answers('version', "{ version: 'one' }"),
      'notes.md': 'neither is this',
      'same.subject.ts': answers('good.{other}'),
      'throws.ts': "\n\nthrow new Error('no luck')",
      'unparsable.ts': 'const one = 1\nconst = 2',
      'wrong.interval.ts': `${head}export default defineFunction(schedule({ everyMs: 1 }), () => {})`,
    })

    expect(error.problems).toEqual([
      {
        file: 'Good.Name.ts',
        export: '',
        reason: expect.stringContaining('is not a function name'),
      },
      {
        file: 'no-default.ts',
        export: 'default',
        reason: expect.stringContaining('the default export is missing'),
      },
      {
        file: 'no-function.ts',
        export: 'default',
        reason: 'the default export was not created by defineFunction',
      },
      {
        file: 'no-limit.ts',
        export: 'default.concurrency',
        reason: '0 is not a whole number of 1 or more',
      },
      { file: 'no-module.tsx', export: '', reason: 'rename it to end in .ts, not .tsx' },
      {
        file: 'no-subject.ts',
        export: 'default.subject',
        reason: expect.stringContaining('no subject'),
      },
      {
        file: 'no-version.ts',
        export: 'default.version',
        reason: '"one" is not a semantic version: use a form like 1.0.0',
      },
      {
        file: 'throws.ts',
        export: '',
        reason: 'the file cannot be loaded: Error: no luck (line 3)',
      },
      { file: 'unparsable.ts', export: '', reason: expect.stringMatching(/ \(line 2\)$/) },
      {
        file: 'wrong.interval.ts',
        export: '',
        reason: expect.stringMatching(/everyMs is 1: use whole seconds, 1000 or more \(line 4\)$/),
      },
      {
        file: 'same.subject.ts',
        export: 'default.subject',
        reason: 'as.{caller}.good.{other} overlaps as.{caller}.good.{id} of good.ts',
      },
    ])
    for (const { file, reason } of error.problems) {
      expect(error.message).toContain(file)
      expect(error.message).toContain(reason)
    }
    expect(lines).toEqual([])
  })

  it('is not, where a stream would answer for a function', async () => {
    const declared = "{ stream: 'ALL', subjects: ['as.>'] }"
    const topic = "{ subject: 'as.{id}', data: v.object({ id: v.string() }) }"
    const { error } = await failed({
      'asked.ts': answers('asked'),
      'keeps.ts': `${head}export default defineFunction(stream(${declared}, ${topic}), () => {})`,
    })

    expect(error.problems).toEqual([
      {
        file: 'asked.ts',
        export: 'default.subject',
        reason: 'the stream ALL captures as.{caller}.asked and would answer its requests',
      },
    ])
  })

  it('is not, with each variable that its functions miss', async () => {
    const needs = (name: string) => `{ env: v.object({ ${name}: v.string() }) }`
    const { error, lines } = await failed(
      {
        'has.ts': answers('has', needs('NATTER_HERE')),
        'one.ts': answers('one', needs('NATTER_ONE')),
        'two.ts': answers('two', needs('NATTER_TWO')),
      },
      { NATTER_HERE: 'yes' },
    )

    expect(error.problems).toEqual([
      { file: 'one.ts', export: 'default.env', reason: expect.stringContaining('NATTER_ONE') },
      { file: 'two.ts', export: 'default.env', reason: expect.stringContaining('NATTER_TWO') },
    ])
    expect(lines).toEqual([])
  })

  it('is not, where there is none', async () => {
    const config = readRuntimeConfig({ NATS_URL: urlOfNobody })
    const folder = join(tmpdir(), crypto.randomUUID())
    const started = startRuntime({ folder, config, log: pino({ level: 'silent' }) })
    await expect(started).rejects.toMatchObject({
      name: 'LoadError',
      problems: [{ file: folder, export: '', reason: 'the folder does not exist' }],
    })
  })
})
