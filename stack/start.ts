/**
 * `npm start`: the whole system on this machine, until Ctrl-C. State is kept in $NATTER_STATE, else
 * in .natter, and a second start goes on where the first stopped.
 */
import { join, relative, resolve } from 'node:path'
import { type Lock, LockedError, takeLock } from './lock.ts'
import { readable } from './services/process.ts'
import type { ProcessService } from './services/service.ts'
import { startStack } from './stack.ts'
import { type StackUrls, State } from './state.ts'
import { supervise } from './supervise.ts'

const started = performance.now()
const dir = resolve(process.env.NATTER_STATE || join(import.meta.dirname, '..', '.natter'))
const state = new State(dir)
const owned = new AsyncDisposableStack()
const stopping = new AbortController()
let isOurs = false
const log = (message: string) => console.log(`  ${message}`)

// A terminal's Ctrl-C comes twice, from the terminal and from the launcher: it is one wish.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop(0))
process.on('disconnect', () => stop(0))

try {
  await start()
} catch (error) {
  if (!stopping.signal.aborted) await fail(error)
}

async function start() {
  owned.use(await lock())
  isOurs = true
  owned.defer(() => state.clear())
  await state.stopLeftovers(log)
  console.log(`Natter starts. Its state is in ${shown(dir)}`)
  const { urls, services } = await startStack({ state, env: process.env, log, owned })
  state.writeUrls(urls)

  for (const part of services) {
    supervise(part, {
      log,
      signal: stopping.signal,
      onRestart: () => state.writeUrls(urls),
      onGiveUp: (reason) => fail(new Error(reason)),
    }).catch(fail)
    if (part.name === 'runtime') echoProblems(part)
  }
  console.log(readyBlock(urls))
}

async function lock(): Promise<Lock> {
  try {
    return await takeLock(join(dir, 'lock'))
  } catch (error) {
    if (!(error instanceof LockedError)) throw error
    const url = state.read<StackUrls>('stack.json')?.web
    throw new Error(
      `Natter runs already on ${shown(dir)} (process ${error.holder.pid}${url ? `, ${url}` : ''}).
Stop that one first, or set NATTER_STATE to another folder.`,
    )
  }
}

/** Stops everything in reverse order. What is still being started is ended by our own end. */
async function stop(code: number) {
  if (stopping.signal.aborted) return
  stopping.abort()
  if (isOurs) console.log('\nStopping …')
  try {
    await owned.disposeAsync()
    if (isOurs) console.log('Stopped.')
  } catch (error) {
    console.error(error)
    process.exit(1)
  }
  process.exit(code)
}

async function fail(error: unknown) {
  console.error(`\n${error instanceof Error ? explain(error) : error}`)
  await stop(1)
}

function explain(error: Error): string {
  const because = error.cause instanceof Error ? `\n  because: ${explain(error.cause)}` : ''
  return error.message + because
}

/** Whoever writes functions sees here what goes wrong in them; the rest is in the log. */
function echoProblems({ log: { follow, end } }: ProcessService) {
  const echo = (line: string) => {
    const level = Number(/^\{"level":(\d+)/.exec(line)?.[1] ?? 100)
    if (level >= 40) log(`runtime: ${readable(line)}`)
  }
  follow(end(), echo, stopping.signal)
}

function readyBlock({ web, issuer, opsUrl }: StackUrls) {
  const users = process.env.OIDC_ISSUER
    ? [`those of ${issuer}`]
    : [
        'alice / alice123      (admin, user)',
        'bob / bob123          (user)',
        'charlie / charlie123  (no role: reads only)',
      ]
  const here = process.env.NATTER_STATE ? `NATTER_STATE=${shown(dir)} ` : ''
  const rows = {
    Users: users,
    Functions: [`${here}npm run runtime -- ls`, `nats -s ${opsUrl} micro ls`],
    Addresses: [`${shown(join(dir, 'stack.json'))}, logs in ${shown(join(dir, 'logs'))}`],
    Stop: ['Ctrl-C'],
  }
  const lines = Object.entries(rows).flatMap(([title, texts]) =>
    texts.map((text, index) => `  ${(index === 0 ? title : '').padEnd(11)}${text}`),
  )
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  return `\nNatter is ready after ${seconds} s:  ${web}\n\n${lines.join('\n')}\n`
}

function shown(path: string) {
  const short = relative(process.cwd(), path)
  return short && !short.startsWith('..') ? short : path
}
