import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Kvm } from '@nats-io/kv'
import { connect, type Msg, type NatsConnection } from '@nats-io/transport-node'
import * as v from 'valibot'
import { USER_IDS } from '#schema/streams'
import { createRequester } from '../../runtime/client/requester.ts'
import { findNatsServer } from '../../stack/install/nats-server.ts'
import { createSecrets } from '../../stack/secrets.ts'
import type { LogFile } from '../../stack/services/log-file.ts'
import type { NatsService } from '../../stack/services/nats.ts'
import { startNats } from '../../stack/services/nats.ts'
import { startRuntimeService } from '../../stack/services/runtime.ts'
import type { ProcessService } from '../../stack/services/service.ts'
import { createCommandLine } from './command-line.ts'
import { startTokenIssuer, type TokenIssuer } from './token-issuer.ts'

const root = join(import.meta.dirname, '..', '..')

export interface LoginFixture extends AsyncDisposable {
  nats: NatsService
  tokenIssuer: TokenIssuer
  runtime: ProcessService
  connect(token: string, options?: Record<string, unknown>): Promise<NatsConnection>
  attemptLogin(token: string): Promise<LoginRejection>
}

export interface LoginRejection {
  message: string
  durationMs: number
  /** The line of nats-server's log with the reason for the rejection. */
  serverLog: string
  runtimeLog: string
  leaksToken: boolean
}

/** Starts a runtime that accepts the tokens of `issuer`, by default of the fixture's own issuer. */
export async function createLoginFixture(
  issuer?: string,
  settings: Record<string, string> = {},
): Promise<LoginFixture> {
  await using stack = new AsyncDisposableStack()
  const commandLine = stack.use(await createCommandLine())
  const tokenIssuer = await startTokenIssuer()
  stack.defer(() => tokenIssuer.stop())
  const secrets = createSecrets()
  const dir = await commandLine.write({})
  const nats = stack.use(await startNats({ dir, binary: await findNatsServer(), secrets }))
  const product = (name: string) => {
    const path = JSON.stringify(join(root, 'functions', `${name}.ts`))
    return `export { default } from ${path}\n`
  }
  const functions = await commandLine.write({
    'auth.callout.ts': product('auth.callout'),
    'users.id.ts': product('users.id'),
    'oidc.logout.ts': product('oidc.logout'),
    'connection.opened.ts': product('connection.opened'),
    'keycloak.poll.ts': product('keycloak.poll'),
    'whoami.ts': functionSource('whoami', ['everyone']),
    'work.ts': functionSource('work', ['user', 'admin']),
    'inside.ts': functionSource('inside', ['functions']),
    'count.ts': countSource,
  })
  const env = {
    NATS_URL: nats.urlOf('functions'),
    NATS_AUTH_URL: nats.urlOf('auth'),
    NATS_CALLOUT_SEED: secrets.calloutSeed,
    NATS_CALLOUT_XKEY_SEED: secrets.calloutXkeySeed,
    OIDC_ISSUER: issuer ?? tokenIssuer.issuer,
    OIDC_CLIENT_IDS: 'nats-chat-app,natter-cli',
    ...settings,
  }
  const runtime = stack.use(
    await startRuntimeService({ dir, env, folders: [functions], name: 'login' }),
  )
  await allowLoginsWithoutDatabase(nats.urlOf('functions'))
  const resources = stack.move()
  const fixture: LoginFixture = {
    nats,
    tokenIssuer,
    runtime,
    connect: (token, options = {}) =>
      connect({
        servers: nats.url,
        token,
        reconnect: false,
        inboxPrefix: '_INBOX_alice',
        ...options,
      }),
    async attemptLogin(token) {
      const [serverStart, runtimeStart] = [nats.log.end(), runtime.log.end()]
      const started = performance.now()
      const message = await fixture.connect(token).then(
        (nc) => nc.close().then(() => Promise.reject(new Error('The login was accepted'))),
        (error: Error) => error.message,
      )
      const durationMs = performance.now() - started
      const serverLog = await nats.log.line(/Auth callout service returned/, { from: serverStart })
      // The runtime may log an earlier rejection late. So its log is searched for the reason that
      // the server has logged.
      const serverReason = serverLog.slice(serverLog.indexOf('error: ') + 'error: '.length)
      const reason = RegExp.escape(JSON.stringify(serverReason).slice(1, -1))
      const line = await runtime.log.line(
        new RegExp(`${reason}.*"login refused"|"login refused".*${reason}`),
        { from: runtimeStart },
      )
      const logged =
        (await readFrom(nats.log, serverStart)) + (await readFrom(runtime.log, runtimeStart))
      const parts = token.split('.').filter(({ length }) => length > 20)
      const leaksToken = parts.some((part) => logged.includes(part))
      return { message, durationMs, serverLog, runtimeLog: JSON.parse(line).reason, leaksToken }
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  }
  return fixture
}

export const count = {
  subject: 'count.{id}',
  audience: ['everyone'],
  input: v.strictObject({ id: v.string() }),
  chunk: v.object({ number: v.number() }),
  output: v.object({}),
} as const

/**
 * A function that counts until its call is aborted, and then publishes the reason on
 * `counted.{id}`.
 */
const countSource = `
import { setTimeout } from 'node:timers/promises'
import * as v from 'valibot'
import { defineFunction } from '#runtime'

const contract = {
  subject: 'count.{id}',
  audience: ['everyone'],
  input: v.strictObject({ id: v.string() }),
  chunk: v.object({ number: v.number() }),
  output: v.object({}),
}
const counted = { subject: 'counted.{id}', data: v.object({ id: v.string(), why: v.string() }) }

export default defineFunction(contract, async function* ({ id }, { publish, signal }) {
  for (let number = 1; !signal.aborted; number++) {
    yield { number }
    await setTimeout(20, undefined, { signal }).catch(() => {})
  }
  publish(counted, { id, why: signal.reason.message })
  return {}
})
`

/**
 * Marks USER_IDS as complete, because this fixture has no database from which to read missing ids.
 */
async function allowLoginsWithoutDatabase(url: string): Promise<void> {
  const { username, password, host } = new URL(url)
  const nc = await connect({ servers: host, user: username, pass: password })
  const bucket = await new Kvm(nc).open(USER_IDS.bucket)
  await bucket.put('=database', JSON.stringify({ readAt: new Date().toISOString() }))
  await nc.close()
}

async function readFrom({ path }: LogFile, from: number) {
  return (await readFile(path)).subarray(from).toString()
}

const functionSource = (subject: string, audience: string[]) => `
import * as v from 'valibot'
import { defineFunction } from '#runtime'

const contract = {
  subject: '${subject}',
  audience: ${JSON.stringify(audience)},
  input: v.object({}),
  output: v.object({ caller: v.string() }),
}

export default defineFunction(contract, (_, { caller }) => ({ caller }))
`

export async function requestAsAlice(nc: NatsConnection, subject: string): Promise<Msg> {
  const requester = createRequester(nc, 'alice')
  try {
    return await requester.request(subject, '', { timeoutMs: 5_000 })
  } finally {
    requester.close()
  }
}
