/**
 * `npm run dev`: like `npm start`, but Vite serves the page with hot module replacement. The runtime
 * restarts when a file of functions/, apps/, domain/, schema/ or runtime/ is saved.
 */
import { watch } from 'node:fs'
import { join, sep } from 'node:path'
import { buildApps } from '../client/build/appFiles.ts'
import { runStack } from './run-stack.ts'
import { devComponents, startVite } from './services/vite.ts'
import type { Stack } from './stack.ts'

const root = join(import.meta.dirname, '..')
const watchedFolders = ['functions', 'apps', 'domain', 'schema', 'runtime']
/**
 * Delay between the last saved file and the restart. It debounces saves: "save all" in an editor
 * causes only one restart.
 */
const debounceMs = 100

process.env.APP_COMPONENTS = devComponents
await buildApps(join(root, 'apps'), devComponents)

await runStack({
  startPage: startVite,
  // The instances restart one by one. If the new version does not start, the old one keeps running.
  runtimeArgs: ['--instances', '2'],
  onReady: restartOnSave,
})

function restartOnSave({ services }: Stack, log: (message: string) => void, signal: AbortSignal) {
  const runtime = services.find(({ name }) => name === 'runtime')
  if (!runtime) return
  let timer: NodeJS.Timeout | undefined
  let isRestarting = false
  const changed = new Set<string>()
  for (const folder of watchedFolders) {
    const watcher = watch(join(root, folder), { recursive: true, signal }, (_event, file) => {
      if (!/\.(ts|tsx|css)$/.test(file ?? '')) return
      changed.add(join(folder, file ?? ''))
      clearTimeout(timer)
      timer = setTimeout(restart, debounceMs)
    })
    watcher.on('error', (error) => log(`cannot watch ${folder}: ${error.message}`))
  }
  signal.addEventListener('abort', () => clearTimeout(timer))
  log(`The runtime restarts when a file of ${watchedFolders.join(', ')} is saved.`)

  async function restart() {
    if (isRestarting) return
    isRestarting = true
    while (changed.size > 0 && !signal.aborted) {
      const files = [...changed]
      changed.clear()
      log(`${files.at(-1)} was saved: restarting the runtime`)
      await update(files).catch((error) => signal.aborted || log(error.message))
    }
    isRestarting = false
  }

  /**
   * Builds the components of the changed apps, and restarts the runtime, which registers the apps
   * with their new components.
   */
  async function update(files: string[]) {
    await buildApps(join(root, 'apps'), devComponents, changedApps(files))
    await rollingRestart()
  }

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

/**
 * Returns the names of the apps to which the files belong. Returns undefined if a file belongs to
 * no single app: every app may import it, so all apps must be built.
 */
function changedApps(files: string[]): string[] | undefined {
  const names = new Set<string>()
  for (const file of files) {
    const [folder, name = '_', ...rest] = file.split(sep)
    if (folder !== 'apps' || name.startsWith('_') || rest.length === 0) return undefined
    names.add(name)
  }
  return [...names]
}
