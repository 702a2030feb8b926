import { relative } from 'node:path'
import type { Logger } from 'pino'
import { Dependencies } from '../nats/retry.ts'
import type { RuntimeConfig } from './config.ts'
import type { Setup } from './load.ts'

/**
 * Runs the export `migrate` of each `_setup.ts`, in the order of the folders. Retries for about one minute if
 * a dependency is unavailable.
 */
export async function runMigrations(
  setups: readonly Setup[],
  { env }: Pick<RuntimeConfig, 'env'>,
  log: Logger,
  dependencies = new Dependencies(log),
): Promise<void> {
  for (const { file, migrate } of setups)
    if (migrate)
      await dependencies.wait(`a dependency of migrate in ${relative('', file)}`, async () =>
        migrate({ log, env }),
      )
}
