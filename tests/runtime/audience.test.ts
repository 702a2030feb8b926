import { connect, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
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

/** The client's token is the JSON of a Login. */
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
  runtime = await bench.start(await bench.write(sources), [], {
    NATS_AUTH_URL: bench.nats.urlOf('auth'),
    NATS_CALLOUT_SEED: bench.secrets.calloutSeed,
    NATS_CALLOUT_XKEY_SEED: bench.secrets.calloutXkeySeed,
  })
})
afterAll(() => bench?.[Symbol.asyncDispose]())

async function logIn(login: Login): Promise<NatsConnection> {
  const token = JSON.stringify(login)
  const nc = await connect({ servers: bench.nats.url, token, reconnect: false })
  onTestFinished(() => nc.close())
  return nc
}

/** Publishes on each subject, and returns those for which the server reports no violation. */
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

  it('does not limit further subjects that the callout grants, if they are no requests', async () => {
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
  ])('fails the login of a callout that grants %j', async (login: Login, reason) => {
    const from = runtime.log.end()

    await expect(logIn(login)).rejects.toThrow('Authorization Violation')
    const line = await runtime.log.line(/"login failed"/, { from })
    expect(line).toContain(reason)
  })

  it('prevents another function from calling a function for users', async () => {
    const from = runtime.log.end()
    const nc = await logIn({ user: 'ada' })
    nc.publish('as.ada.outer', '{}')

    const line = await runtime.log.line(/"function failed"/, { from })
    expect(line).toContain('outer may not call open, whose audience is everyone')
  })
})
