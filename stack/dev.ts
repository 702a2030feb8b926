/**
 * `npm run dev`: like `npm start`, but for people who change Natter. Vite serves the page with hot
 * module replacement, and the runtime restarts when a file of functions/, domain/, schema/ or runtime/
 * is saved.
 */
import { watch } from 'node:fs'
import { join } from 'node:path'
import { runStack } from './run-stack.ts'
import { startVite } from './services/vite.ts'
import type { Stack } from './stack.ts'

const root = join(import.meta.dirname, '..')
const watchedFolders = ['functions', 'domain', 'schema', 'runtime']
/** Delay of a restart: an editor writes a file in several steps, and "save all" saves several files. */
const debounceMs = 100

await runStack({
  startPage: startVite,
  // The instances restart one by one. If the new version cannot be loaded, the old instances keep
  // running.
  runtimeArgs: ['--instances', '2'],
  onReady: restartOnSave,
})

function restartOnSave({ services }: Stack, log: (message: string) => void, signal: AbortSignal) {
  const runtime = services.find(({ name }) => name === 'runtime')
  if (!runtime) return
  let timer: NodeJS.Timeout | undefined
  let isRestarting = false
  let changedFile: string | undefined
  for (const folder of watchedFolders) {
    const watcher = watch(join(root, folder), { recursive: true, signal }, (_event, file) => {
      if (!file?.endsWith('.ts')) return
      changedFile = join(folder, file)
      clearTimeout(timer)
      timer = setTimeout(restart, debounceMs)
    })
    watcher.on('error', (error) => log(`cannot watch ${folder}: ${error.message}`))
  }
  signal.addEventListener('abort', () => clearTimeout(timer))
  log(`The runtime restarts when a file of ${watchedFolders.join(', ')} is saved.`)

  /** Restarts the runtime until no file has changed since the last restart began. */
  async function restart() {
    if (isRestarting) return
    isRestarting = true
    while (changedFile && !signal.aborted) {
      log(`${changedFile} was saved: restarting the runtime`)
      changedFile = undefined
      await rollingRestart().catch((error) => signal.aborted || log(error.message))
    }
    isRestarting = false
  }

  /** Makes the runtime start the new version and then stop the old one. The log contains the outcome. */
  async function rollingRestart() {
    if (!runtime) return
    const { log: output } = runtime
    const from = output.end()
    await runtime.kill('SIGHUP')
    const outcome = /"msg":"rolling restart (done|abandoned)/
    const line = await output.line(outcome, { from, signal, within: 60_000 })
    const isDone = line.includes('rolling restart done')
    log(
      isDone
        ? 'The new version runs.'
        : 'The new version did not start: the last one keeps running.',
    )
  }
}
