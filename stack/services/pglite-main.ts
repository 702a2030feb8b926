/**
 * Runs PGlite behind a socket in a process of its own, because a query of PGlite blocks the event
 * loop. PGLITE_PASSWORD is the password of the user `postgres`. Prints `{"ready":true,"port":…}`
 * when it accepts connections.
 */
import { execFile } from 'node:child_process'
import { chmod, mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import type { Server, Socket } from 'node:net'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { PGlite } from '@electric-sql/pglite'
import { PGLiteSocketServer } from '@electric-sql/pglite-socket'
import { quote, stateError } from '../damaged.ts'
import { exists } from '../install/cache.ts'
import { LockedError, takeLock } from '../lock.ts'
import { createLogin } from './pglite-password.ts'
import { keepSequencesWhole } from './pglite-sequences.ts'

/**
 * A client that has an open transaction, and sends no query for this time, is disconnected, because
 * all other clients have to wait for it. Shorter than the deadline of a call (5 s), so that a
 * frozen runtime does not make the calls of another runtime fail.
 */
const idleInTransactionMs = 2000

const { PGLITE_DIR: dir, PGLITE_PORT: port, PGLITE_PASSWORD: password } = process.env
if (!dir || !Number(port) || !password)
  throw new Error('PGLITE_DIR, PGLITE_PORT and PGLITE_PASSWORD must be set')
await mkdir(dirname(dir), { recursive: true })

// PGlite does not prevent two processes from writing into one folder.
const lock = await takeLock(`${dir}.lock`).catch((error) => {
  if (!(error instanceof LockedError)) throw error
  console.error(`The data in ${dir} is in use by process ${error.holder.pid}`)
  process.exit(1)
})

if (!(await exists(dir))) await create(dir)
const db = await open(dir)
// By default, the server accepts only one connection, but the runtime opens a pool of connections.
const server: PGLiteSocketServer = new PGLiteSocketServer({
  db: keepSequencesWhole(db, idleInTransactionMs, () => disconnectHolder(server)),
  host: '127.0.0.1',
  port: Number(port),
  maxConnections: 64,
})
await server.start()
requirePassword(server, password)
console.log(JSON.stringify({ ready: true, port: Number(port) }))

let isStopping = false
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, stop)

async function open(dir: string): Promise<PGlite> {
  try {
    const db = await PGlite.create(dir)
    // PGlite has a single session, which starts before the runtime configures the role's later
    // sessions (see schema/db.ts).
    await db.exec('set plan_cache_mode = force_generic_plan')
    return db
  } catch (error) {
    const isFolder = (await stat(dir)).isDirectory()
    const cause = isFolder ? ((await findCause(dir)) ?? error) : 'it is not a folder'
    const command = `mv ${quote(dir)} ${quote(`${dir}.damaged`)}`
    const loss = 'its rooms and messages are lost'
    console.error(stateError({ path: dir, cause, command, loss }).message)
    process.exit(1)
  }
}

/**
 * Returns why the database cannot be opened. PGlite's error does not contain the cause, so this
 * opens the database once more and reads PostgreSQL's log.
 */
async function findCause(dir: string): Promise<string | undefined> {
  const { log, error } = console
  const lines: string[] = []
  const collect = (...texts: unknown[]) => void lines.push(...texts.join(' ').split('\n'))
  Object.assign(console, { log: collect, error: collect })
  await PGlite.create(dir, { debug: 1 }).catch(() => {})
  Object.assign(console, { log, error })
  return lines.map((line) => /(?:FATAL|PANIC): +(.*)/.exec(line)?.[1]).find(Boolean)
}

function requirePassword(server: PGLiteSocketServer, password: string) {
  const logIn = createLogin('postgres', password)
  // The package has no hook for logins, so this replaces the listeners of its net.Server.
  const { server: listener } = server as unknown as { server: Server }
  const accept = listener.listeners('connection') as ((socket: Socket) => void)[]
  listener.removeAllListeners('connection').on('connection', async (socket) => {
    if (await logIn(socket)) for (const listen of accept) listen(socket)
  })
}

/**
 * Called when a transaction or a query has been idle for `idleInTransactionMs`, because the server
 * serves no other client meanwhile. Disconnects the client that holds it, which is the one whose query
 * was executed last. The server then rolls back the transaction.
 */
function disconnectHolder(server: PGLiteSocketServer) {
  // Reads private fields, because the package does not expose its connections. The package's option
  // `idleTimeout` is no alternative, because it would disconnect every idle client.
  const { handlers, queryQueue } = server as unknown as {
    handlers: Set<{ handlerId: number; socket: Socket | null }>
    queryQueue: { lastHandlerId: number | null }
  }
  for (const { handlerId, socket } of handlers)
    if (handlerId === queryQueue.lastHandlerId) socket?.destroy()
}

async function stop() {
  if (isStopping) return
  isStopping = true
  await server.stop()
  await db.close()
  await lock.release()
  process.exit(0)
}

/**
 * Creates the database in a temporary folder and then renames the folder, because a half-created
 * database cannot be opened. A separate process creates it, because this process would not release
 * the 200 MB of memory that the creation needs.
 */
async function create(dir: string) {
  const parent = dirname(dir)
  const abandoned = (name: string) => name.startsWith(`${basename(dir)}.new-`)
  for (const name of (await readdir(parent)).filter(abandoned)) {
    await rm(join(parent, name), { recursive: true })
  }
  const made = `${dir}.new-${process.pid}`
  const init = join(import.meta.dirname, 'pglite-init.ts')
  await promisify(execFile)(process.execPath, [init, made])
  await chmod(made, 0o700)
  await rename(made, dir)
}
