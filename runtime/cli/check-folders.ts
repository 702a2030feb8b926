import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { readImportMs } from '../server/config.ts'
import { describeEndlessImport, type LoadProblem } from '../server/load.ts'

export interface CheckedFunction {
  name: string
  trigger: string
  subject: string
  audience: string[]
  version: string
}

export interface CheckResult {
  functions: CheckedFunction[]
  problems: LoadProblem[]
}

export interface CheckOrder {
  folders: readonly string[]
  importMs: number
  skip: [file: string, reason: string][]
}

export type CheckMessage = { importing: string | null } | { result: CheckResult }

const entry = fileURLToPath(new URL('./check-process.ts', import.meta.url))

/**
 * Loads folders in a child process. If a file ends the child process, or its import never finishes,
 * loads the folders again without that file, so that the result contains the problems of all files.
 */
export async function checkFolders(folders: readonly string[]): Promise<CheckResult> {
  const importMs = readImportMs(process.env)
  const skip = new Map<string, string>()
  for (;;) {
    const outcome = await runCheck({ folders, importMs, skip: [...skip] })
    if ('functions' in outcome) return outcome
    if (outcome.file === undefined || skip.has(outcome.file))
      throw new Error(`the process that loads ${folders.join(' ')} failed: ${outcome.reason}`)
    skip.set(outcome.file, outcome.reason)
  }
}

function runCheck(
  order: CheckOrder,
): Promise<CheckResult | { file: string | undefined; reason: string }> {
  const child = fork(entry, {
    execArgv: [],
    // Output of the loaded files goes to stderr, so that it does not mix with the command's output.
    stdio: ['ignore', process.stderr.fd, process.stderr.fd, 'ipc'],
  })
  const release = killWithThisProcess(child)
  const { promise, resolve } = Promise.withResolvers<Awaited<ReturnType<typeof runCheck>>>()
  let file: string | undefined
  let timer: NodeJS.Timeout | undefined
  const endless = () => {
    resolve({ file, reason: describeEndlessImport(order.importMs) })
    child.kill('SIGKILL')
  }
  child.on('message', (message: unknown) => {
    // Ignores messages that a loaded file sends by `process.send`.
    if (!isCheckMessage(message)) return
    clearTimeout(timer)
    if ('result' in message) {
      resolve(message.result)
      // Timers and sockets of the loaded files could keep the child alive.
      child.kill('SIGKILL')
      return
    }
    file = message.importing ?? undefined
    // This timer detects an endless loop, which blocks the child. It waits one second longer than a
    // timer of the child itself, which detects a top-level await that never ends.
    if (file !== undefined) timer = setTimeout(endless, order.importMs + 1_000)
  })
  child.on('error', (error) => resolve({ file, reason: error.message }))
  child.on('exit', (code, signal) => {
    clearTimeout(timer)
    release()
    resolve({ file, reason: `its import ends the process (${signal ?? `exit code ${code}`})` })
  })
  child.send(order)
  return promise
}

function isCheckMessage(message: unknown): message is CheckMessage {
  return (
    typeof message === 'object' &&
    message !== null &&
    ('result' in message || 'importing' in message)
  )
}

/**
 * Kills the child when this process exits, because a child in an endless loop would not notice the exit.
 */
function killWithThisProcess(child: ChildProcess): () => void {
  const kill = () => child.kill('SIGKILL')
  const onSignal = () => {
    kill()
    process.exit(130)
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  process.once('exit', kill)
  for (const signal of signals) process.once(signal, onSignal)
  return () => {
    process.off('exit', kill)
    for (const signal of signals) process.off(signal, onSignal)
  }
}
