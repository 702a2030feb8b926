import { connect, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createRequester } from '../../runtime/client/requester.ts'
import type { ProcessService } from '../../stack/services/service.ts'
import { type CommandLine, createCommandLine } from '../support/command-line.ts'

interface Login {
  user: string
  roles?: string[]
  publish?: string[]
}

const contract = (subject: string, audience: string[]) =>
  JSON.stringify({ subject, audience }).replace(
    /\}$/,
    ', input: v.any(), output: v.object({ caller: v.string() }) }',
  )
const head = `
import * as v from 'valibot'
import { callout, defineFunction } from '#runtime'
`
const functionWith = (subject: string, audience: string[]) =>
  `${head}export default defineFunction(${contract(subject, audience)}, (_, { caller }) => ({ caller }))`

/** An auth callout for tests. The token of a client is JSON: the `Login` that it is granted. */
const login = `${head}
export default defineFunction(callout(), ({ token }) => ({
  account: 'CLIENTS',
  roles: [],
  subscribe: ['>'],
  expiresAt: Math.floor(Date.now() / 1_000) + 3_600,
  ...JSON.parse(token),
}))`

const sources = {
  'login.ts': login,
  'open.ts': functionWith('open', ['everyone']),
  'work.ts': functionWith('work.{item}', ['user', 'admin']),
  'manage.ts': functionWith('manage', ['admin']),
  'own.ts': functionWith('box.{caller}.put', ['user']),
  'inside.ts': functionWith('inside', ['functions']),
  'outer.ts': `${head}export default defineFunction(
    ${contract('outer', ['everyone'])},
    async (_, { call }) => call(${contract('open', ['everyone'])}, {}),
  )`,
}

let bench: CommandLine
let runtime: ProcessService

beforeAll(async () => {
  bench = await createCommandLine()
  runtime = await bench.start(await bench.write(sources), [], calloutEnv())
})
afterAll(() => bench?.[Symbol.asyncDispose]())

function calloutEnv() {
  return {
    NATS_AUTH_URL: bench.nats.urlOf('auth'),
    NATS_CALLOUT_SEED: bench.secrets.calloutSeed,
    NATS_CALLOUT_XKEY_SEED: bench.secrets.calloutXkeySeed,
  }
}

async function logIn(login: Login): Promise<NatsConnection> {
  const token = JSON.stringify(login)
  const nc = await connect({ servers: bench.nats.url, token, reconnect: false })
  onTestFinished(() => nc.close())
  return nc
}

async function allowed(nc: NatsConnection, subjects: readonly string[]): Promise<string[]> {
  const denied = new Set<string>()
  const statuses = nc.status()
  void (async () => {
    for await (const status of statuses)
      if (status.type === 'error')
        denied.add(/"([^"]+)"/.exec(status.error.message)?.[1] ?? status.error.message)
  })()
  for (const subject of subjects) nc.publish(subject, '{}')
  await nc.flush()
  await nc.flush()
  return subjects.filter((subject) => !denied.has(subject))
}

describe('the audience of a function', () => {
  const requests = [
    'as.ada.open',
    'as.ada.work.1',
    'as.ada.manage',
    'box.ada.put',
    'as.ada.inside',
    'inside',
    'as.bob.open',
    'box.bob.put',
    'as.ada.work',
    'as.ada.work.1.2',
  ]

  it.each([
    [[], ['as.ada.open']],
    [['user'], ['as.ada.open', 'as.ada.work.1', 'box.ada.put']],
    [['admin'], ['as.ada.open', 'as.ada.work.1', 'as.ada.manage']],
    [['functions', 'everyone', '*'], ['as.ada.open']],
  ])('lets a user with the roles %j publish only on %j', async (roles, expected) => {
    const nc = await logIn({ user: 'ada', roles })

    expect(await allowed(nc, requests)).toEqual(expected)
  })

  it('does not restrict a granted subject that no function serves', async () => {
    const nc = await logIn({ user: 'ada', publish: ['feed.ada.>', 'as.ada.open.more'] })

    expect(await allowed(nc, ['feed.ada.x', 'as.ada.open.more', 'as.ada.manage'])).toEqual([
      'feed.ada.x',
      'as.ada.open.more',
    ])
  })

  it.each([
    [{ user: 'ada', publish: ['as.ada.>'] }, 'matches as.{caller}.manage of manage'],
    [{ user: 'ada', publish: ['as.ada.*'] }, 'matches as.{caller}.manage of manage'],
    [{ user: 'ada', publish: ['as.*.open'] }, 'matches as.{caller}.open of open'],
    [{ user: 'ada', publish: ['as.bob.open'] }, 'matches as.{caller}.open of open'],
    [{ user: 'ada', roles: ['user'], publish: ['box.*.put'] }, 'of own, whose audience is user'],
    [{ user: 'ada', publish: ['inside'] }, 'of inside, whose audience is functions'],
    [{ user: 'ada', roles: ['admin', 'user'], publish: ['>'] }, 'ada may not publish >'],
    [{ user: '*' }, '\\"*\\" cannot be a user'],
    [{ user: 'ada.open' }, 'cannot be a user'],
    [{ user: '' }, 'cannot be a user'],
  ])('makes a login fail for the invalid grant %j', async (login: Login, reason) => {
    const from = runtime.log.end()

    await expect(logIn(login)).rejects.toThrow('Authorization Violation')
    const line = await runtime.log.line(/"login failed"/, { from })
    expect(line).toContain(reason)
  })

  it('does not include other functions if it is everyone, which stands for all users', async () => {
    const from = runtime.log.end()
    const nc = await logIn({ user: 'ada' })
    nc.publish('as.ada.outer', '{}')

    const line = await runtime.log.line(/"function failed"/, { from })
    expect(line).toContain('outer may not call open, whose audience is everyone')
  })
})

describe('a function of a second process', () => {
  const roll = functionWith('app.{app}.{room}.roll', ['everyone'])
  const startSecond = async (files: Record<string, string>) => bench.start(await bench.write(files))

  it('can be called by a user who logged in before the process started, if the auth callout granted the subject at the login', async () => {
    const nc = await logIn({ user: 'ada', publish: ['as.ada.app.*.*.*'] })
    await startSecond({ 'app.dice.roll.ts': roll })

    const requester = createRequester(nc, 'ada')
    onTestFinished(() => requester.close())
    const reply = await requester.request('as.ada.app.dice.general.roll', '{}', {
      timeoutMs: 5_000,
    })

    expect(reply.json()).toEqual({ caller: 'ada' })
  })

  it('can be called by users of its audience who log in later', async () => {
    await startSecond({
      'late.ts': functionWith('late', ['user']),
      'secret.ts': functionWith('secret', ['admin']),
      'apart.ts': functionWith('apart', ['functions']),
    })
    const subjects = ['as.ada.late', 'as.ada.secret', 'as.ada.apart', 'apart', 'as.bob.late']

    await expect
      .poll(async () => allowed(await logIn({ user: 'ada', roles: ['user'] }), subjects))
      .toEqual(['as.ada.late'])
  })

  it('is known to an auth callout that starts later', async () => {
    await startSecond({ 'early.ts': functionWith('early', ['user']) })
    const second = await bench.start(await bench.write({ 'login.ts': login }), [], calloutEnv())
    await runtime.stop()
    onTestFinished(() => second.stop())

    const nc = await logIn({ user: 'ada', roles: ['user'] })
    expect(await allowed(nc, ['as.ada.early', 'as.bob.early'])).toEqual(['as.ada.early'])
  })

  it('makes a login fail if the auth callout grants its subject to a user outside its audience', async () => {
    await startSecond({ 'hidden.ts': functionWith('app.x.{room}.hidden', ['admin']) })
    const second = await bench.start(await bench.write({ 'login.ts': login }), [], calloutEnv())
    onTestFinished(() => second.stop())

    await expect(logIn({ user: 'ada', publish: ['as.ada.app.*.*.*'] })).rejects.toThrow(
      'Authorization Violation',
    )
    const line = await second.log.line(/"login failed"/)
    expect(line).toContain('matches as.{caller}.app.x.{room}.hidden of hidden')
  })
})
