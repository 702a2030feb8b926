import { join } from 'node:path'
import { startProcess } from '../../stack/services/process.ts'
import type { ProcessService } from '../../stack/services/service.ts'

/** Runs the script of `npm start` on free ports, or another script if one is given. */
export function startStack(
  dir: string,
  env: Record<string, string> = {},
  script = join(import.meta.dirname, '..', '..', 'stack', 'start.ts'),
): Promise<ProcessService> {
  const ports = ['WEB', 'NATS', 'NATS_WS', 'OIDC', 'PG']
  return startProcess({
    dir,
    name: 'stack',
    isNode: true,
    stopWithin: 60_000,
    command: () => ({
      file: process.execPath,
      args: [script],
      env: {
        ...process.env,
        NATTER_STATE: dir,
        ...Object.fromEntries(ports.map((port) => [`${port}_PORT`, '0'])),
        ...env,
      },
    }),
    ready: async (log, from, signal) => {
      await log.line(/Natter is ready/, { from, signal, within: 90_000 })
      return ''
    },
  })
}
