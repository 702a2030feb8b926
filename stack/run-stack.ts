import { join, relative, resolve } from 'node:path'
import { readEnvironment } from '../runtime/server/environment.ts'
import { type Disk, watchDisk } from './disk.ts'
import { type Lock, LockedError, takeLock } from './lock.ts'
import { readable } from './services/process.ts'
import type { ProcessService } from './services/service.ts'
import { type Stack, type StackOptions, startStack } from './stack.ts'
import { type StackUrls, State } from './state.ts'
import { supervise } from './supervise.ts'

export interface RunOptions extends Pick<StackOptions, 'startPage' | 'runtimeArgs'> {
  /** Called once, when everything is ready. The signal aborts when the stack stops. */
  onReady?: (stack: Stack, log: (message: string) => void, signal: AbortSignal) => void
}

const dataServices = ['nats-server', 'pglite']

/**
 * Runs the whole system on this machine until Ctrl-C, and restarts services that exit. Stores all
 * state in $NATTER_STATE, else in .natter. Then ends this process: with exit code 0 after a
 * requested stop, with 1 after a failure.
 */
export async function runStack(options: RunOptions = {}): Promise<void> {
  const startedAt = performance.now()
  const dir = resolve(process.env.NATTER_STATE || join(import.meta.dirname, '..', '.natter'))
  const state = new State(dir)
  const owned = new AsyncDisposableStack()
  const stopping = new AbortController()
  let isLockHeld = false
  const log = (message: string) => console.log(`  ${message}`)

  // On Ctrl-C, this process gets the signal twice: from the terminal and from launch.mjs. stop()
  // ignores the second signal.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop(0))
  process.on('disconnect', () => stop(0))

  try {
    await start()
  } catch (error) {
    if (!stopping.signal.aborted) await fail(error)
  }

  async function start() {
    owned.use(await lockState(dir, state))
    isLockHeld = true
    owned.defer(() => state.clear())
    await state.stopLeftovers(log)
    console.log(`Starting Natter. State folder: ${shortPath(dir)}`)
    const env = readEnvironment(process.env)
    const stack = await startStack({ ...options, state, env, log, owned })
    state.writeUrls(stack.urls)

    const disk = watchDisk(dir, { log, signal: stopping.signal })
    for (const service of stack.services) keepRunning(service, stack, disk)
    console.log(describeStack(stack.urls, dir, performance.now() - startedAt))
    options.onReady?.(stack, log, stopping.signal)

    const second = await stack.startSecondRuntime?.()
    if (!second) return
    state.writeUrls(stack.urls)
    keepRunning(second, stack, disk)
  }

  function keepRunning(service: ProcessService, { urls }: Stack, disk: Disk) {
    supervise(service, {
      log,
      disk,
      storesData: dataServices.includes(service.name),
      signal: stopping.signal,
      onRestart: () => state.writeUrls(urls),
      onGiveUp: (reason) => fail(new Error(reason)),
    }).catch(fail)
    if (service.name.startsWith('runtime')) printWarnings(service)
    if (service.name === 'runtime') printTranslation(service)
    if (service.name === 'nats-server') printStorageWarnings(service)
  }

  /** Stops all started services. A service that is still starting is killed when this process exits. */
  async function stop(code: number) {
    if (stopping.signal.aborted) return
    stopping.abort()
    if (isLockHeld) console.log('\nStopping …')
    try {
      await owned.disposeAsync()
      if (isLockHeld) console.log('Stopped.')
    } catch (error) {
      console.error(error)
      process.exit(1)
    }
    process.exit(code)
  }

  async function fail(error: unknown) {
    console.error(`\n${error instanceof Error ? messagesOf(error) : error}`)
    await stop(1)
  }

  function printWarnings({ name, log: { follow, end } }: ProcessService) {
    const print = (line: string) => {
      const level = Number(/^\{"level":(\d+)/.exec(line)?.[1] ?? 100)
      if (level >= 40) log(`${name}: ${readable(line)}`)
    }
    follow(end(), print, stopping.signal)
  }

  function printTranslation({ log: { follow } }: ProcessService) {
    const print = (line: string) => {
      if (line.includes('translation unavailable:')) log(readable(line))
    }
    follow(0, print, stopping.signal)
  }

  function printStorageWarnings({ name, log: { follow } }: ProcessService) {
    const print = (line: string) => {
      const warning = /\[(?:WRN|ERR|FTL)\] +((?:Filestore|JetStream|Error adding|.*metafile).*)/
      const [, text] = warning.exec(line) ?? []
      if (text) log(`${name}: ${text}`)
    }
    follow(0, print, stopping.signal)
  }
}

async function lockState(dir: string, state: State): Promise<Lock> {
  try {
    return await takeLock(join(dir, 'lock'))
  } catch (error) {
    if (!(error instanceof LockedError)) throw error
    const url = state.read<StackUrls>('stack.json')?.web
    throw new Error(
      `Natter runs already on ${shortPath(dir)} (process ${error.holder.pid}${url ? `, ${url}` : ''}).
Stop that one first, or set NATTER_STATE to another folder.`,
    )
  }
}

function messagesOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\n  cause: ${messagesOf(error.cause)}` : ''
  return error.message + cause
}

function describeStack({ web, issuer }: StackUrls, dir: string, startMs: number) {
  const users = process.env.OIDC_ISSUER
    ? [`those of ${issuer}`]
    : [
        'alice / alice123      (admin, user)',
        'bob / bob123          (user)',
        'charlie / charlie123  (no role: reads only)',
      ]
  const stateVariable = process.env.NATTER_STATE ? `NATTER_STATE=${shortPath(dir)} ` : ''
  const stackFile = shortPath(join(dir, 'stack.json'))
  const rows = {
    Users: users,
    Functions: [`${stateVariable}npm run runtime -- ls`],
    Operators: [`nats -s URL micro ls; the URL with its password is opsUrl in ${stackFile}`],
    Addresses: [`${stackFile}, logs in ${shortPath(join(dir, 'logs'))}`],
    Stop: ['Ctrl-C'],
  }
  const lines = Object.entries(rows).flatMap(([title, texts]) =>
    texts.map((text, index) => `  ${(index === 0 ? title : '').padEnd(11)}${text}`),
  )
  const seconds = (startMs / 1000).toFixed(1)
  return `\nNatter is ready after ${seconds} s:  ${web}\n\n${lines.join('\n')}\n`
}

function shortPath(path: string) {
  const short = relative(process.cwd(), path)
  return short && !short.startsWith('..') ? short : path
}
