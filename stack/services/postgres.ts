import { execFile } from 'node:child_process'
import { chmod, chown, copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { output } from '../install/command.ts'
import { freePort } from '../ports.ts'
import { startProcess } from './process.ts'
import type { ProcessService, ServiceOptions } from './service.ts'

const execute = promisify(execFile)

export interface PostgresOptions extends ServiceOptions {
  binaries: string
  port?: number | undefined
  /** Data folder to copy. By default, the server gets a new database. */
  template?: string | undefined
  /** Paths of PEM files. The server then rejects connections without TLS. */
  tls?: { certificate: string; key: string } | undefined
}

/** Starts PostgreSQL for tests on loopback, without passwords or fsync. `stop` deletes its data. */
export async function startPostgres(options: PostgresOptions): Promise<ProcessService> {
  const { binaries, template } = options
  const port = options.port ?? (await freePort())
  const user = await unprivilegedUser()
  // The data is not stored in `options.dir`, because the user postgres may not enter that folder.
  const data = await mkdtemp(join(tmpdir(), 'natter-postgres-'))

  try {
    if (template) await execute('cp', ['-R', `${template}/.`, data])
    if (user) await execute('chown', ['-R', `${user.uid}:${user.gid}`, data])
    const init = join(binaries, 'initdb')
    if (!template) await execute(init, ['-D', data, ...initArgs], { ...user, cwd: data })
    if (options.tls) await requireTls(data, options.tls, user)
    const all = { ...settings(port), ...(options.tls ? { ssl: 'on' } : {}) }
    const postgres = await startProcess({
      ...options,
      name: 'postgres',
      user,
      // SIGINT is a fast shutdown: PostgreSQL terminates sessions instead of waiting for them to end.
      stopSignal: 'SIGINT',
      command: () => ({
        file: join(binaries, 'postgres'),
        args: ['-D', data, ...Object.entries(all).flatMap(([k, v]) => ['-c', `${k}=${v}`])],
        env: process.env,
        cwd: data,
      }),
      async ready(log, from, signal) {
        const ready = /database system is ready to accept connections/
        await log.line(ready, { from, signal, within: 30_000 })
        // Names localhost, because the driver expects a certificate for localhost if the host is an
        // IP address.
        if (options.tls) return `postgres://postgres@localhost:${port}/postgres?sslmode=verify-full`
        return `postgres://postgres@127.0.0.1:${port}/postgres`
      },
    })
    const { stop, restart } = postgres
    const stopAndRemove = async () => {
      await stop()
      await rm(data, { recursive: true, force: true })
    }
    return Object.assign(postgres, {
      stop: stopAndRemove,
      restart: () => withoutSessions(restart),
      [Symbol.asyncDispose]: stopAndRemove,
    })
  } catch (error) {
    await rm(data, { recursive: true, force: true })
    throw error
  }
}

const initArgs = '--username=postgres --auth=trust --encoding=UTF8 --no-locale --no-sync'.split(' ')

const settings = (port: number) => ({
  port,
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: 200,
  fsync: 'off',
  full_page_writes: 'off',
})

async function requireTls(
  data: string,
  { certificate, key }: { certificate: string; key: string },
  user: { uid: number; gid: number } | undefined,
) {
  const own = [
    { from: certificate, to: join(data, 'server.crt') },
    { from: key, to: join(data, 'server.key') },
  ]
  for (const { from, to } of own) {
    await copyFile(from, to)
    await chmod(to, 0o600)
    if (user) await chown(to, user.uid, user.gid)
  }
  await writeFile(join(data, 'pg_hba.conf'), 'hostssl all all 127.0.0.1/32 trust\n')
}

/**
 * Returns a user for programs that refuse to run as root; undefined if the current user is not
 * root.
 */
export async function unprivilegedUser() {
  if (process.getuid?.() !== 0) return undefined
  for (const name of ['postgres', 'nobody']) {
    try {
      const [uid, gid] = [await output('id', ['-u', name]), await output('id', ['-g', name])]
      return { uid: Number(uid), gid: Number(gid) }
    } catch {
      // There is no user of this name: tries the next name.
    }
  }
  throw new Error(
    'PostgreSQL cannot run as root, and there is no user postgres or nobody to run it',
  )
}

/**
 * Restarts the server, with retries for two seconds. After a server was killed, the processes of
 * its sessions hold its shared memory for a moment. Until they end, no server can start on the same
 * data.
 */
async function withoutSessions(restart: () => Promise<void>) {
  for (let tries = 1; ; tries++) {
    try {
      return await restart()
    } catch (error) {
      const isShared = error instanceof Error && error.message.includes('shared memory block')
      if (!isShared || tries === 20) throw error
      await delay(100)
    }
  }
}
