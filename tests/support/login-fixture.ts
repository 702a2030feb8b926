import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect, type NatsConnection } from '@nats-io/transport-node'
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
  /** Answers the auth callout. */
  runtime: ProcessService
  connect(token: string, options?: Record<string, unknown>): Promise<NatsConnection>
  /** Tries to log in and tells how that ended. Throws for who is let in. */
  attemptLogin(token: string): Promise<LoginRejection>
}

export interface LoginRejection {
  /** What the client is told. */
  message: string
  /** How long that took, in milliseconds. */
  durationMs: number
  /** The reason, in the log of the server and in that of the runtime. */
  serverLog: string
  runtimeLog: string
  /** Whether a part of the token stands in one of them. */
  leaksToken: boolean
}

/**
 * The server of nats.conf, and a runtime that serves `auth.callout` and three functions to reach. The
 * tokens are those of `tokenIssuer`, unless another issuer is named.
 */
export async function createLoginFixture(issuer?: string): Promise<LoginFixture> {
  await using made = new AsyncDisposableStack()
  const bench = made.use(await createCommandLine())
  const tokenIssuer = await startTokenIssuer()
  made.defer(() => tokenIssuer.stop())
  const secrets = createSecrets()
  const dir = await bench.write({})
  const nats = made.use(await startNats({ dir, binary: await findNatsServer(), secrets }))
  const callout = JSON.stringify(join(root, 'functions', 'auth.callout.ts'))
  const functions = await bench.write({
    'auth.callout.ts': `export { default } from ${callout}\n`,
    'whoami.ts': functionSource('whoami', ['everyone']),
    'work.ts': functionSource('work', ['user', 'admin']),
    'inside.ts': functionSource('inside', ['functions']),
  })
  const env = {
    NATS_URL: nats.urlOf('functions'),
    NATS_AUTH_URL: nats.urlOf('auth'),
    NATS_CALLOUT_SEED: secrets.calloutSeed,
    NATS_CALLOUT_XKEY_SEED: secrets.calloutXkeySeed,
    OIDC_ISSUER: issuer ?? tokenIssuer.issuer,
  }
  const runtime = made.use(await startRuntimeService({ dir, env, functions, name: 'login' }))
  const all = made.move()
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
      const [ofServer, ofRuntime] = [nats.log.end(), runtime.log.end()]
      const started = performance.now()
      const message = await fixture.connect(token).then(
        (nc) => nc.close().then(() => Promise.reject(new Error('It was let in'))),
        (error: Error) => error.message,
      )
      const durationMs = performance.now() - started
      const serverLog = await nats.log.line(/Auth callout service returned/, { from: ofServer })
      // Whoever was refused before may be written about after.
      const said = serverLog.slice(serverLog.indexOf('error: ') + 'error: '.length)
      const reason = RegExp.escape(JSON.stringify(said).slice(1, -1))
      const line = await runtime.log.line(
        new RegExp(`${reason}.*"login refused"|"login refused".*${reason}`),
        { from: ofRuntime },
      )
      const logged = (await readFrom(nats.log, ofServer)) + (await readFrom(runtime.log, ofRuntime))
      const parts = token.split('.').filter(({ length }) => length > 20)
      const leaksToken = parts.some((part) => logged.includes(part))
      return { message, durationMs, serverLog, runtimeLog: JSON.parse(line).reason, leaksToken }
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
  return fixture
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
