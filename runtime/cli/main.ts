import './module-resolution.ts'
import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { Command, CommanderError, Option } from 'commander'
import { describeCauses } from '../nats/unavailable.ts'
import { addCall } from './call.ts'
import { addCheck } from './check.ts'
import { addDead } from './dead.ts'
import { CliError } from './failure.ts'
import { addInfo } from './info.ts'
import { addLs } from './ls.ts'
import { addMigrate } from './migrate.ts'
import { addNew } from './new.ts'
import { note } from './output.ts'
import { addStart } from './start.ts'
import { addStats } from './stats.ts'

process.stdout.on('error', exitOnBrokenPipe)
process.stderr.on('error', exitOnBrokenPipe)
process.exitCode = await run(process.argv)
// A function file or a failed start may have left a timer or socket open, which keeps the process
// alive. Exits after a second anyway.
setTimeout(() => process.exit(), 1_000).unref()

async function run(argv: readonly string[]): Promise<number> {
  const program = createProgram()
  try {
    await program.parseAsync(argv)
    return Number(process.exitCode ?? 0)
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    if (error instanceof CliError) {
      note(String(error))
      return error.exitCode
    }
    note(`error: ${describe(error, program.opts().verbose)}`)
    return 1
  }
}

function createProgram(): Command {
  const program = new Command('runtime')
    .description('Serves functions on NATS; lists, inspects and calls the running ones.')
    .version(readVersion())
    .addOption(
      new Option(
        '--nats <url>',
        'the server; by default that of the stack that "npm start" runs here',
      ).env('NATS_URL'),
    )
    .option('--json', 'print one line of JSON')
    .option('--verbose', 'print the server, its source, and details of errors on stderr')
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('Run with --help for the usage.')
    .exitOverride()
    .addHelpText(
      'after',
      `
Exit codes: 0 success, 1 failure, 2 wrong usage.

Examples:
  runtime check functions/
  runtime start functions/
  runtime ls
  runtime stats room.join
  runtime call room.join '{"room":"general"}' --as alice
  runtime dead ls`,
    )
  const commands = [addStart, addMigrate, addCheck, addNew]
  commands.push(addLs, addInfo, addStats, addCall, addDead)
  for (const add of commands) add(program)
  return program
}

function describe(error: unknown, verbose = false): string {
  if (!(error instanceof Error)) return String(error)
  if (verbose) return inspect(error)
  return describeCauses(error)
}

function readVersion(): string {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version
}

function exitOnBrokenPipe(error: NodeJS.ErrnoException) {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
}
