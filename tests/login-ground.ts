import { join } from 'node:path'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import type { NatsPart } from '../stack/parts/nats.ts'
import { startNats } from '../stack/parts/nats.ts'
import type { ProcessPart } from '../stack/parts/part.ts'
import { startRuntime } from '../stack/parts/runtime.ts'
import { findNatsServer } from '../stack/provision/nats-server.ts'
import { createSecrets } from '../stack/secrets.ts'
import { createBench } from './command-line.ts'
import { startTokenMaker, type TokenMaker } from './token-maker.ts'

const root = join(import.meta.dirname, '..')

export interface LoginGround extends AsyncDisposable {
  nats: NatsPart
  maker: TokenMaker
  /** Answers the auth callout. */
  runtime: ProcessPart
  connect(token: string, options?: Record<string, unknown>): Promise<NatsConnection>
}

/** The server of nats.conf, and a runtime that serves `auth.callout` and two functions to reach. */
export async function createLoginGround(): Promise<LoginGround> {
  await using made = new AsyncDisposableStack()
  const bench = made.use(await createBench())
  const maker = await startTokenMaker()
  made.defer(() => maker.stop())
  const secrets = createSecrets()
  const dir = await bench.write({})
  const nats = made.use(await startNats({ dir, binary: await findNatsServer(), secrets }))
  const callout = JSON.stringify(join(root, 'functions', 'auth.callout.ts'))
  const functions = await bench.write({
    'auth.callout.ts': `export { default } from ${callout}\n`,
    'whoami.ts': asking('whoami', ['everyone']),
    'work.ts': asking('work', ['user', 'admin']),
    'inside.ts': asking('inside', ['functions']),
  })
  const env = {
    NATS_URL: nats.urlOf('functions'),
    NATS_AUTH_URL: nats.urlOf('auth'),
    NATS_CALLOUT_SEED: secrets.calloutSeed,
    NATS_CALLOUT_XKEY_SEED: secrets.calloutXkeySeed,
    OIDC_ISSUER: maker.issuer,
  }
  const runtime = made.use(await startRuntime({ dir, env, functions, name: 'login' }))
  const all = made.move()
  return {
    nats,
    maker,
    runtime,
    connect: (token, options = {}) =>
      connect({
        servers: nats.url,
        token,
        reconnect: false,
        inboxPrefix: '_INBOX_alice',
        ...options,
      }),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

const asking = (subject: string, audience: string[]) => `
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
