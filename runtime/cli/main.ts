import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { Command, CommanderError, Option } from 'commander'
import { addCall } from './call.ts'
import { addCheck } from './check.ts'
import { addDead } from './dead.ts'
import { CliError } from './failure.ts'
import { addInfo } from './info.ts'
import { addLs } from './ls.ts'
import { note } from './output.ts'
import { addStart } from './start.ts'
import { addStats } from './stats.ts'

process.stdout.on('error', exitOnBrokenPipe)
process.stderr.on('error', exitOnBrokenPipe)
process.exitCode = await run(process.argv)
// What a function's file, or a start that failed, has left open does not keep the process.
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
    .description('Serves functions over NATS, and shows and asks those that are served.')
    .version(readVersion())
    .addOption(
      new Option(
        '--nats <url>',
        'the server; without it and NATS_URL, the one of the stack that "npm start" runs here',
      ).env('NATS_URL'),
    )
    .option('--json', 'write one line of JSON, for programs')
    .option('--verbose', 'say on stderr which server is used and why, and more of what failed')
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('"--help" says what can be asked.')
    .exitOverride()
    .addHelpText(
      'after',
      `
Exit codes: 0 done, 1 it did not work out, 2 it was asked for in a way that cannot work.

Examples:
  runtime check functions/
  runtime start functions/
  runtime ls
  runtime stats room.join
  runtime call room.join '{"room":"general"}' --as alice
  runtime dead ls`,
    )
  for (const add of [addStart, addCheck, addLs, addInfo, addStats, addCall, addDead]) add(program)
  return program
}

/** With the errors that lay behind it; with `--verbose`, where in the program it happened. */
function describe(error: unknown, verbose = false): string {
  if (!(error instanceof Error)) return String(error)
  if (verbose) return inspect(error)
  const { message, cause } = error
  return cause === undefined ? message : `${message}: ${describe(cause)}`
}

function readVersion(): string {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version
}

/** `runtime ls | head -1`: whoever read has read enough. */
function exitOnBrokenPipe(error: NodeJS.ErrnoException) {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
}
