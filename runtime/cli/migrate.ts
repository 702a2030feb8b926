import { resolve } from 'node:path'
import type { Command } from 'commander'
import { readEnvironment } from '../server/environment.ts'
import { CliError } from './failure.ts'
import { createLog } from './log.ts'
import { note } from './output.ts'
import { describeProblem, problemsOf } from './problems.ts'

export function addMigrate(program: Command): void {
  program
    .command('migrate')
    .description('run the migrations of folders, which "runtime start" otherwise runs itself')
    .argument('<folders...>', 'the folders of the functions')
    .addHelpText(
      'after',
      `
Calls the function migrate that _setup.ts of a folder exports, in the order of the folders. NATS is not
needed. Waits for about a minute if the database is unavailable, then exits with 1. Migrations that have run
already are skipped, and two commands at the same time do no harm.

Run it as a database user who may create tables, and "runtime start --no-migrate" as one who may not.

Examples:
  runtime migrate functions/ apps/`,
    )
    .action(migrate)
}

/** Imports the runtime lazily, because the other commands do not need it. */
async function migrate(folders: readonly string[]) {
  const { loadSetups } = await import('../server/load.ts')
  const { runMigrations } = await import('../server/migrate.ts')
  const { readImportMs } = await import('../server/config.ts')
  const env = readEnvironment(process.env)
  const log = createLog(process.env)
  const paths = folders.map((folder) => resolve(folder))
  const setups = await loadSetups(paths, { importMs: readImportMs(env) }).catch((error) => {
    const problems = problemsOf(error)
    if (!problems) throw error
    throw new CliError(['cannot migrate:', ...problems.map(describeProblem)].join('\n'))
  })
  if (!setups.some((setup) => setup.migrate))
    return note(`no _setup.ts in ${folders.join(', ')} exports migrate: there is nothing to do`)
  await runMigrations(setups, { env }, log)
  log.info('migrated')
}
