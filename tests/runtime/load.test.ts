import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { pino } from 'pino'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readRuntimeConfig } from '../../runtime/server/config.ts'
import { LoadError } from '../../runtime/server/load.ts'
import { startRuntime } from '../../runtime/server/run.ts'

/** Nothing listens here, so a start that tried to connect would retry for a minute. */
const unreachableUrl = 'nats://127.0.0.1:1'

const head = `
import * as v from '${import.meta.resolve('valibot')}'
import { callout, defineAround, defineFunction, defineFunctions, event, kvWatch, schedule, stream } from '${join(import.meta.dirname, '../../runtime/index.ts')}'
`
const contract = (subject: string) =>
  `{ subject: '${subject}', audience: ['everyone'], input: v.object({}), output: v.number() }`
const functionOn = (subject: string, options = '{}') =>
  `${head}export default defineFunction(${contract(subject)}, () => 1, ${options})`

describe('loading a folder', () => {
  async function failToStart(files: Record<string, string>, env: Record<string, string> = {}) {
    const folder = await mkdtemp(join(tmpdir(), 'natter-load-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    for (const [name, source] of Object.entries(files)) {
      await mkdir(join(folder, dirname(name)), { recursive: true })
      await writeFile(join(folder, name), source)
    }
    const lines: string[] = []
    const log = pino({}, { write: (line) => lines.push(line) })
    const config = readRuntimeConfig({ ...env, NATS_URL: unreachableUrl })
    const error = await startRuntime({ folders: [folder], config, log }).catch(
      (error: unknown) => error,
    )
    if (!(error instanceof LoadError))
      throw new Error('The start did not throw a LoadError', { cause: error })
    const problems = error.problems.map((problem) => ({
      ...problem,
      file: relative(folder, problem.file),
    }))
    return { error, problems, lines }
  }

  it('reports every problem and its file, before the runtime connects to the server', async () => {
    const { error, problems, lines } = await failToStart({
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

    expect(problems).toEqual([
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
        reason: '0 is not a whole number from 1 to 100000',
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
        reason: expect.stringMatching(
          /everyMs is 1: use a multiple of 1000 from 1000 to \d+ \(line 4\)$/,
        ),
      },
      {
        file: 'same.subject.ts',
        export: 'default.subject',
        reason: 'as.{caller}.good.{other} overlaps as.{caller}.good.{id} of good.ts',
      },
    ])
    for (const { file, reason } of problems) {
      expect(error.message).toContain(file)
      expect(error.message).toContain(reason)
    }
    expect(lines).toEqual([])
  })

  const request = "{ subject: 'a', audience: ['user'], input: v.any(), output: v.any()"
  const call = (contractFields: string, options = '{}') =>
    `${head}export default defineFunction(${request}${contractFields} }, () => 1, ${options})`
  const triggered = (trigger: string, options = '{}') =>
    `${head}
const topic = { subject: 'jobs.{id}', data: v.object({ id: v.string() }) }
const jobs = { stream: 'JOBS', subjects: ['jobs.*'] }
const bucket = { bucket: 'B', value: v.any() }
export default defineFunction(${trigger}, () => {}, ${options})`

  it.each(
    [
      [
        call('', '{ concurency: 2 }'),
        'concurency',
        'no option "concurency"; did you mean "concurrency"?',
      ],
      [
        call('', '{ limit: { max: 1, windowMS: 1000, windowMs: 1000 } }'),
        'limit.windowMS',
        'did you mean "windowMs"?',
      ],
      [call(', timeOutMs: 5'), 'timeOutMs', 'did you mean "timeoutMs"?'],
      [
        triggered('stream(jobs, topic, { batchSize: 5 })'),
        '',
        'no option "batchSize"; use batch, backoffMs, timeoutMs',
      ],
      [triggered("event(topic, { group: 'a' })"), '', 'event: there is no option "group"'],
      [triggered('kvWatch(bucket, { key: "a" })'), '', 'did you mean "keys"?'],
      [triggered('schedule({ every: 1000 })'), '', 'did you mean "everyMs"?'],
      [triggered('event({ ...topic, psuh: true })'), 'topic.psuh', 'did you mean "push"?'],
      [
        triggered("stream({ ...jobs, subject: 'a' }, topic)"),
        'stream.subject',
        'did you mean "subjects"?',
      ],
      [
        call('', "{ resources: [{ bucket: 'B', value: v.any(), ttl: 5 }] }"),
        'resources.0.ttl',
        'did you mean "ttlMs"?',
      ],
      [
        call('', "{ resources: [{ stream: 'A', subjects: ['a.b'], config: { max_agee: 1 } }] }"),
        'resources.0.config.max_agee',
        'no field "max_agee"; did you mean "max_age"?',
      ],
      [call(', timeoutMs: 300_001'), 'timeoutMs', '300001 is not a whole number from 1 to 300000'],
      [call(', timeoutMs: "5s"'), 'timeoutMs', '"5s" is not a whole number'],
      [call(', maxBytes: 0'), 'maxBytes', '0 is not a whole number from 1 to 67108864'],
      [call(', errors: ["notfound"]'), 'errors.0', '"notfound" is not one of invalid, '],
      [call(', description: "a\\nb"'), 'description', 'is not one line of text'],
      [call(', audience: []'), 'audience', 'the audience is empty'],
      [call(', audience: ["functions", "user"]'), 'audience', 'cannot be combined'],
      [call(', audience: ["a,b"]'), 'audience.0', '"a,b" is not a role'],
      [call(', audience: ["functions"], subject: "as.a"'), 'audience', 'remove {caller} and as.'],
      [
        call(', audience: ["functions"], subject: "a.{caller}"'),
        'audience',
        'remove {caller} and as.',
      ],
      [call(', input: {}'), 'input', 'it is not a schema'],
      [call('', '{ maxQueued: -1 }'), 'maxQueued', '-1 is not a whole number from 0'],
      [
        call('', '{ limit: { max: 0, windowMs: 1000 } }'),
        'limit.max',
        '0 is not a whole number from 1',
      ],
      [
        call('', '{ limit: { max: 1, windowMs: 1500 } }'),
        'limit.windowMs',
        '1500 is not a multiple of 1000',
      ],
      [call('', '{ limit: { max: 1 } }'), 'limit.windowMs', 'it is missing'],
      [call('', "{ queue: 'a b' }"), 'queue', '"a b" is not a queue group'],
      [call('', '{ onRejected: 1 }'), 'onRejected', 'it is not a function'],
      [call('', '{ env: {} }'), 'env', 'it is not a schema'],
      [
        call('', "{ resources: [{ bucket: 'B', value: v.any(), history: 65 }] }"),
        'resources.0.history',
        '65 is not',
      ],
      [
        call('', "{ resources: [{ bucket: 'B', value: v.any(), markerTtlMs: 1 }] }"),
        'resources.0.markerTtlMs',
        '1 is not',
      ],
      [
        call('', "{ resources: [{ stream: 'A B', subjects: ['a'] }] }"),
        'resources.0.stream',
        '"A B" is not a stream name',
      ],
      [
        call('', "{ resources: [{ stream: 'A', subjects: ['a..b'] }] }"),
        'resources.0.subjects.0',
        '"a..b" is not a subject pattern',
      ],
      [triggered("event(topic, { queue: 'a.b' })"), 'queue', '"a.b" is not a queue group'],
      [
        triggered('stream(jobs, topic, { batch: 0 })'),
        '',
        'batch is 0: use a whole number from 1 to 10000',
      ],
      [triggered('stream(jobs, topic, { backoffMs: [-1] })'), '', 'a delay of backoffMs is -1'],
      [
        triggered('kvWatch(bucket, { timeoutMs: 3e9 })'),
        '',
        'timeoutMs is 3000000000: use a whole number from 1 to 86400000',
      ],
      [triggered("kvWatch(bucket, { keys: 'a.>.b' })"), 'keys', '"a.>.b" is not a subject pattern'],
      [triggered("schedule({ cron: '* * * * *' })"), '', 'cron is "* * * * *": use six fields'],
      [triggered("schedule({ cron: '0 0 0 31 2 *' })"), '', 'it never fires'],
      [triggered('schedule({ everyMs: 1e13 })'), '', 'use a multiple of 1000'],
      [
        triggered("schedule({ everyMs: 1000, cron: '@hourly' })"),
        '',
        'give either everyMs or cron',
      ],
      [
        triggered("stream({ stream: 'OTHER', subjects: ['other.*'] }, topic)"),
        'topic',
        'never jobs.{id}',
      ],
      [
        triggered('schedule({ everyMs: 1000 })', '{ limit: { max: 1, windowMs: 1000 } }'),
        'limit',
        'only with a contract',
      ],
      [triggered('event(topic)', "{ queue: 'a' }"), 'queue', 'write event(topic, { queue })'],
      [
        call(', audience: ["functions"]', '{ limit: { max: 1, windowMs: 1000 } }'),
        'limit',
        'it has no effect',
      ],
      [call('', '{ prefetch() {} }'), 'prefetch', 'it has no effect without limit'],
      [
        call(', audience: ["functions"]', "{ webhook: 'orders' }"),
        'webhook',
        '"orders" is not a path',
      ],
      [call('', "{ webhook: '/orders' }"), 'webhook', "it needs the audience ['functions']"],
      [
        call(', audience: ["functions"], timeoutMs: 10_000', "{ webhook: '/orders' }"),
        'webhook',
        'it needs a timeoutMs below 10000, not 10000',
      ],
      [
        call(', audience: ["functions"], subject: "a.{b}"', "{ webhook: '/orders' }"),
        'webhook',
        'it needs a subject without parameters, not a.{b}',
      ],
      [triggered('event(topic)', "{ webhook: '/a' }"), 'webhook', 'only with a contract'],
      [
        `${head}export default defineFunction(undefined, () => 1)`,
        '',
        'not a contract or a trigger',
      ],
      [
        `${head}export default defineFunction({ kind: 'evnt' }, () => 1)`,
        'kind',
        '"evnt" is not a trigger',
      ],
      [call('').replace('() => 1', '1'), 'handler', 'the handler is not a function'],
    ].map(([source = '', part = '', reason = '']) => [reason, part, source]),
  )('reports a mistake: %s (%s)', async (reason = '', part = '', source = '') => {
    const { problems } = await failToStart({ 'one.ts': source })

    expect(problems).toEqual([
      {
        file: 'one.ts',
        export: part && `default.${part}`,
        reason: expect.stringContaining(reason),
      },
    ])
  })

  it('reports every mistake of a file', async () => {
    const { problems } = await failToStart({
      'one.ts': call(', timeoutMs: 0, maxByte: 1', '{ versoin: "1.0.0", concurrency: 0 }'),
    })

    expect(problems.map((problem) => problem.export)).toEqual([
      'default.concurrency',
      'default.versoin',
      'default.timeoutMs',
      'default.maxByte',
    ])
  })

  it.each([
    [
      "[{ stream: 'A', subjects: ['a'] }]",
      "[{ stream: 'A', subjects: ['b'] }]",
      /stream A differently from one\.ts/,
    ],
    [
      "[{ stream: 'A', subjects: ['a.*'] }]",
      "[{ stream: 'B', subjects: ['a.>'] }]",
      /captures subjects of the stream A/,
    ],
    [
      "[{ bucket: 'A', value: v.any() }]",
      "[{ bucket: 'A', value: v.any(), ttlMs: 5000 }]",
      /bucket A differently/,
    ],
  ])(
    'reports resources of two files that contradict each other: %s and %s',
    async (one, two, reason) => {
      const { problems } = await failToStart({
        'one.ts': functionOn('one', `{ resources: ${one} }`),
        'two.ts': functionOn('two', `{ resources: ${two} }`),
      })

      expect(problems).toEqual([
        { file: 'two.ts', export: 'default', reason: expect.stringMatching(reason) },
      ])
    },
  )

  it('reports a second function that serves the auth callout', async () => {
    const { problems } = await failToStart({
      'one.ts': triggered('callout()'),
      'two.ts': triggered('callout()'),
    })

    expect(problems).toEqual([
      { file: 'two.ts', export: 'default', reason: 'another file serves the callout' },
    ])
  })

  it('reports an import that never ends, and the problems of the other files', async () => {
    const { problems } = await failToStart(
      { 'endless.ts': 'await new Promise(() => {})', 'other.ts': 'export default 1' },
      { NATTER_IMPORT_MS: '300' },
    )

    expect(problems).toEqual([
      {
        file: 'endless.ts',
        export: '',
        reason: expect.stringContaining('its import did not end within 300 ms'),
      },
      expect.objectContaining({ file: 'other.ts' }),
    ])
  })

  it('reports a _setup.ts whose default export is not a function, before the runtime connects to the server', async () => {
    const { problems } = await failToStart({ '_setup.ts': 'export default 1' })

    expect(problems).toEqual([
      { file: '_setup.ts', export: 'default', reason: 'it is not a function' },
    ])
  })

  it('reports an export migrate of _setup.ts that is not a function', async () => {
    const source = 'export const migrate = 1; export default () => {}'
    const { problems } = await failToStart({ '_setup.ts': source })

    expect(problems).toEqual([
      { file: '_setup.ts', export: 'migrate', reason: 'it is not a function' },
    ])
  })

  it('rejects a request subject that a stream captures', async () => {
    const declared = "{ stream: 'ALL', subjects: ['as.>'] }"
    const topic = "{ subject: 'as.{id}', data: v.object({ id: v.string() }) }"
    const { problems } = await failToStart({
      'captured.ts': functionOn('captured'),
      'consumes.ts': `${head}export default defineFunction(stream(${declared}, ${topic}), () => {})`,
    })

    expect(problems).toEqual([
      {
        file: 'captured.ts',
        export: 'default.subject',
        reason: 'the stream ALL captures as.{caller}.captured and would answer its requests',
      },
    ])
  })

  it('reports each unset environment variable that a function requires', async () => {
    const requires = (name: string) => `{ env: v.object({ ${name}: v.string() }) }`
    const { problems, lines } = await failToStart(
      {
        'has.ts': functionOn('has', requires('NATTER_HERE')),
        'one.ts': functionOn('one', requires('NATTER_ONE')),
        'two.ts': functionOn('two', requires('NATTER_TWO')),
      },
      { NATTER_HERE: 'yes' },
    )

    expect(problems).toEqual([
      { file: 'one.ts', export: 'default.env', reason: expect.stringContaining('NATTER_ONE') },
      { file: 'two.ts', export: 'default.env', reason: expect.stringContaining('NATTER_TWO') },
    ])
    expect(lines).toEqual([])
  })

  it('reports an invalid environment variable without its value', async () => {
    const secret = `https://me:${'hunter2'.repeat(50)}@`
    const { error, problems } = await failToStart(
      {
        'one.ts': functionOn(
          'one',
          '{ env: v.object({ NATTER_ONE: v.pipe(v.string(), v.url()) }) }',
        ),
      },
      { NATTER_ONE: secret },
    )

    expect(problems).toMatchObject([
      { reason: expect.stringMatching(/^invalid environment: NATTER_ONE: Invalid URL/) },
    ])
    expect(error.message).not.toContain('hunter2')
  })

  it('reports the problems of every function passed to defineFunctions, in a file or in the index.ts of a subfolder', async () => {
    const one = (subject: string, options = '{}') =>
      `defineFunction(${contract(subject)}, () => 1, ${options})`
    const { problems } = await failToStart({
      'notes/other.ts': 'not imported',
      'plays.ts': `${head}export default defineFunctions({ 'play.Roll': ${one('roll')}, 'play.x': 1 })`,
      'poll/index.ts': `${head}export default defineFunctions({
        'poll.close': ${one('poll.close', '{ queue: "" }')},
        'poll.vote': ${one('poll.vote')},
      })`,
      'poll/index.test.ts': 'not imported',
      'poll.vote.ts': functionOn('poll.again'),
    })

    expect(problems).toEqual([
      {
        file: 'plays.ts',
        export: 'default["play.Roll"]',
        reason: '"play.Roll" is not a function name: use lower case, as in room.join',
      },
      {
        file: 'plays.ts',
        export: 'default["play.x"]',
        reason: 'the default export was not created by defineFunction',
      },
      {
        file: 'poll/index.ts',
        export: 'default["poll.close"].queue',
        reason: expect.stringContaining('is not a queue group'),
      },
      {
        file: 'poll.vote.ts',
        export: '',
        reason: 'poll/index.ts has the same service name poll-vote',
      },
    ])
  })

  it('reports an _around.ts that was not created by defineAround', async () => {
    const { problems } = await failToStart({ '_around.ts': 'export default () => 1' })

    expect(problems).toEqual([
      {
        file: '_around.ts',
        export: 'default',
        reason: 'the default export was not created by defineAround',
      },
    ])
  })

  it('reports functions of two folders with the same service name, with the path of the later file', async () => {
    const folders = await Promise.all(
      ['one', 'two'].map(async (subject) => {
        const folder = await mkdtemp(join(tmpdir(), 'natter-load-'))
        onTestFinished(() => rm(folder, { recursive: true }))
        await writeFile(join(folder, 'same.ts'), functionOn(subject))
        return folder
      }),
    )
    const config = readRuntimeConfig({ NATS_URL: unreachableUrl })

    const started = startRuntime({ folders, config, log: pino({ level: 'silent' }) })

    await expect(started).rejects.toMatchObject({
      problems: [
        { file: join(folders[1] ?? '', 'same.ts'), reason: expect.stringContaining('same.ts has') },
      ],
    })
  })

  it('rejects a folder that does not exist', async () => {
    const config = readRuntimeConfig({ NATS_URL: unreachableUrl })
    const folder = join(tmpdir(), crypto.randomUUID())
    const started = startRuntime({ folders: [folder], config, log: pino({ level: 'silent' }) })
    await expect(started).rejects.toMatchObject({
      name: 'LoadError',
      problems: [{ file: folder, export: '', reason: 'the folder does not exist' }],
    })
  })
})
