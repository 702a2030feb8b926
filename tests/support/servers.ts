import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { findNatsServer } from '../../stack/install/nats-server.ts'
import { findPostgres } from '../../stack/install/postgres.ts'
import { createSecrets } from '../../stack/secrets.ts'
import { type NatsService, startNats } from '../../stack/services/nats.ts'
import { startOidcProvider } from '../../stack/services/oidc-provider.ts'
import { startPglite } from '../../stack/services/pglite.ts'
import { startPostgres } from '../../stack/services/postgres.ts'
import { startRuntimeService } from '../../stack/services/runtime.ts'
import type { ProcessService } from '../../stack/services/service.ts'
import { copyPglite, startMigratedPostgres } from './database-copy.ts'

declare module 'vitest' {
  interface ProvidedContext {
    servers: ServerUrls
  }
}

/** The tests in tests/functions run once with each kind. */
export type DatabaseKind = 'postgres' | 'pglite'

export interface ServerUrls {
  database: DatabaseKind
  databaseUrl: string
  /** URL for clients with a token of the issuer. */
  nats: string
  functionsNats: string
  issuer: string
  /** The number of partitions of CHAT_MESSAGES and ROOMS_KV. */
  partitions: number
  /** Path of the log of the runtime, which runs the functions and the apps. */
  runtimeLog: string
}

export interface Servers extends AsyncDisposable {
  urls: ServerUrls
  runtime: ProcessService
  database: ProcessService
  nats: NatsService
  startAnother(name: string, settings?: Record<string, string>): Promise<ProcessService>
}

/**
 * Starts the servers for a project in vitest.config.ts. The project's name is the kind of its
 * database.
 */
export default async function setup(project: TestProject) {
  const servers = await startServers(project.name as DatabaseKind)
  project.provide('servers', servers.urls)
  return () => servers[Symbol.asyncDispose]()
}

export async function startServers(
  database: DatabaseKind,
  settings: Record<string, string> = {},
): Promise<Servers> {
  await using started = new AsyncDisposableStack()
  const dir = await mkdtemp(join(tmpdir(), `natter-${database}-`))
  started.defer(() => rm(dir, { recursive: true, force: true }))
  const secrets = createSecrets()

  const binary = await findNatsServer()
  const [db, nats, issuer] = await Promise.all([
    startMigratedDatabase(database, dir).then((part) => started.use(part)),
    startNats({ dir, binary, secrets }).then((part) => started.use(part)),
    startOidcProvider({ dir }).then((part) => started.use(part)),
  ])
  const env = {
    NATS_URL: nats.urlOf('functions'),
    NATS_AUTH_URL: nats.urlOf('auth'),
    NATS_CALLOUT_SEED: secrets.calloutSeed,
    NATS_CALLOUT_XKEY_SEED: secrets.calloutXkeySeed,
    DATABASE_URL: db.url,
    OIDC_ISSUER: issuer.url,
    OIDC_CLIENT_IDS: 'nats-chat-app,natter-cli',
    NATTER_ID_KEY: secrets.idKey,
    // Three users make nearly all calls of the tests, which would exceed the normal rate limits.
    RATE_LIMIT_FACTOR: '1000',
    ...settings,
  }
  const runtime = started.use(await startRuntimeService({ dir, env }))

  const running = started.move()
  return {
    urls: {
      database,
      databaseUrl: db.url,
      nats: nats.url,
      functionsNats: nats.urlOf('functions'),
      issuer: issuer.url,
      partitions: Number(settings.NATS_PARTITIONS ?? process.env.NATS_PARTITIONS ?? 1),
      runtimeLog: runtime.log.path,
    },
    runtime,
    database: db,
    nats,
    startAnother: async (name, own = {}) =>
      running.use(await startRuntimeService({ dir, env: { ...env, ...own }, name })),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

function startMigratedDatabase(kind: DatabaseKind, dir: string): Promise<ProcessService> {
  return kind === 'pglite' ? startDatabase(kind, dir) : startMigratedPostgres(dir)
}

/**
 * Starts a database for tests. PostgreSQL is empty, so that tests can migrate it. PGlite has all
 * tables, because it would take seconds to create them.
 */
export async function startDatabase(kind: DatabaseKind, dir: string): Promise<ProcessService> {
  if (kind === 'pglite') {
    await copyPglite(dir)
    return startPglite({ dir })
  }
  return startPostgres({ dir, binaries: await findPostgres() })
}
