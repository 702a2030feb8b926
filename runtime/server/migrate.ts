import type { Logger } from 'pino'
import { retryUntilAvailable } from '../nats/retry.ts'
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
): Promise<void> {
  for (const { migrate } of setups)
    if (migrate)
      await retryUntilAvailable('a dependency of migrate', log, async () => migrate({ log, env }))
}
