/**
 * The child process in which `runtime check` loads folders, because the files may end the process
 * or never return. Sends a message with the path of each file before its import, and finally a
 * message with the result.
 */
import { LoadError, type LoadedFunction, loadFolders } from '../server/load.ts'
import type { CheckedFunction, CheckMessage, CheckOrder } from './check-folders.ts'

process.on('disconnect', () => process.exit(1))
process.once('message', async ({ folders, importMs, skip }: CheckOrder) => {
  const options = {
    importMs,
    skip: new Map(skip),
    onImport: (file: string | undefined) => send({ importing: file ?? null }),
  }
  try {
    const { functions, setups } = await loadFolders(folders, options)
    const found = await Promise.all(setups.map(({ check }) => check?.() ?? []))
    const problems = found.flat().map(({ file, reason }) => ({ file, export: '', reason }))
    send({ result: { functions: functions.map(describe), problems } })
  } catch (error) {
    if (!(error instanceof LoadError)) throw error
    send({ result: { functions: [], problems: [...error.problems] } })
  }
})

function send(message: CheckMessage) {
  process.send?.(message)
}

function describe({ name, trigger, subject, audience, version }: LoadedFunction): CheckedFunction {
  return { name, trigger, subject: subject ?? '', audience: [...(audience ?? [])], version }
}
