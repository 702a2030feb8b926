import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readRuntimeConfig } from '../../runtime/server/config.ts'
import { LoadError } from '../../runtime/server/load.ts'
import { startRuntime } from '../../runtime/server/run.ts'

/** Nothing listens at this URL: a start that tried to connect would retry for a minute. */
const unreachableUrl = 'nats://127.0.0.1:1'

const head = `
import * as v from '${import.meta.resolve('valibot')}'
import { defineFunction, schedule, stream } from '${join(import.meta.dirname, '../../runtime/index.ts')}'
`
const contract = (subject: string) =>
  `{ subject: '${subject}', audience: ['everyone'], input: v.object({}), output: v.number() }`
const functionOn = (subject: string, options = '{}') =>
  `${head}export default defineFunction(${contract(subject)}, () => 1, ${options})`

describe('loading a folder', () => {
  async function failToStart(files: Record<string, string>, env: Record<string, string> = {}) {
    const folder = await mkdtemp(join(tmpdir(), 'natter-load-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    for (const [name, source] of Object.entries(files)) await writeFile(join(folder, name), source)
    const lines: string[] = []
    const log = pino({}, { write: (line) => lines.push(line) })
    const config = readRuntimeConfig({ ...env, NATS_URL: unreachableUrl })
    const error = await startRuntime({ folder, config, log }).catch((error: unknown) => error)
    if (!(error instanceof LoadError))
      throw new Error('The start did not throw a LoadError', { cause: error })
    return { error, lines }
  }

  it('reports every problem and its file, before the runtime connects to the server', async () => {
    const { error, lines } = await failToStart({
      '_shared.ts': 'not imported',
      'Good.Name.ts': functionOn('named'),
      'good.ts': functionOn('good.{id}'),
      'no-default.ts': `${head}export const answer = defineFunction(${contract('none')}, () => 1)`,
      'no-function.ts': 'export default () => 1',
      'no-limit.ts': functionOn('limit', '{ concurrency: 0 }'),
      'no-module.tsx': '',
      'no-subject.ts': functionOn('no subject'),
      'no-version.ts': functionOn('version', "{ version: 'one' }"),
      'notes.md': 'not imported either',
      'same.subject.ts': functionOn('good.{other}'),
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

  it('rejects a request subject that a stream captures', async () => {
    const declared = "{ stream: 'ALL', subjects: ['as.>'] }"
    const topic = "{ subject: 'as.{id}', data: v.object({ id: v.string() }) }"
    const { error } = await failToStart({
      'captured.ts': functionOn('captured'),
      'consumes.ts': `${head}export default defineFunction(stream(${declared}, ${topic}), () => {})`,
    })

    expect(error.problems).toEqual([
      {
        file: 'captured.ts',
        export: 'default.subject',
        reason: 'the stream ALL captures as.{caller}.captured and would answer its requests',
      },
    ])
  })

  it('reports each unset environment variable that a function requires', async () => {
    const requires = (name: string) => `{ env: v.object({ ${name}: v.string() }) }`
    const { error, lines } = await failToStart(
      {
        'has.ts': functionOn('has', requires('NATTER_HERE')),
        'one.ts': functionOn('one', requires('NATTER_ONE')),
        'two.ts': functionOn('two', requires('NATTER_TWO')),
      },
      { NATTER_HERE: 'yes' },
    )

    expect(error.problems).toEqual([
      { file: 'one.ts', export: 'default.env', reason: expect.stringContaining('NATTER_ONE') },
      { file: 'two.ts', export: 'default.env', reason: expect.stringContaining('NATTER_TWO') },
    ])
    expect(lines).toEqual([])
  })

  it('reports an invalid environment variable without its value', async () => {
    const secret = `https://me:${'hunter2'.repeat(50)}@`
    const { error } = await failToStart(
      {
        'one.ts': functionOn(
          'one',
          '{ env: v.object({ NATTER_ONE: v.pipe(v.string(), v.url()) }) }',
        ),
      },
      { NATTER_ONE: secret },
    )

    expect(error.problems).toMatchObject([
      { reason: expect.stringMatching(/^invalid environment: NATTER_ONE: Invalid URL/) },
    ])
    expect(error.message).not.toContain('hunter2')
  })

  it('rejects a folder that does not exist', async () => {
    const config = readRuntimeConfig({ NATS_URL: unreachableUrl })
    const folder = join(tmpdir(), crypto.randomUUID())
    const started = startRuntime({ folder, config, log: pino({ level: 'silent' }) })
    await expect(started).rejects.toMatchObject({
      name: 'LoadError',
      problems: [{ file: folder, export: '', reason: 'the folder does not exist' }],
    })
  })
})
