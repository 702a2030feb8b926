import { resolve } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { findStackUrl, readNatsOption, readNatsVariable } from './connection.ts'

interface StartOptions {
  instances: number
  supervisor: boolean
  migrate: boolean
  nats?: string
  name?: string
}

export function addStart(program: Command): void {
  program
    .command('start')
    .description('serve the functions of folders until SIGTERM or Ctrl-C')
    .argument('<folders...>', 'the folders of the functions')
    .option('--instances <n>', 'number of processes', readCount, 1)
    .option('--no-supervisor', 'with one process: do not restart it, because the caller does')
    .option('--no-migrate', 'do not run migrate of _setup.ts, because "runtime migrate" does')
    .option('--name <name>', 'name of this runtime in connection lists and metadata')
    .addHelpText(
      'after',
      `
Logs are JSON lines on stdout, from the level LOG_LEVEL up; the line with msg "ready" means that all
functions are served. On SIGTERM or Ctrl-C it leaves its queue groups, finishes the calls in flight and
exits with 0; on a second signal it exits at once with 130. SIGHUP restarts the processes one by one, and
a process that dies is restarted. With --no-supervisor, it serves the functions in this process, which
exits with 1 after an uncaught exception. A file that cannot be loaded stops the start with 1.

If HEALTH_PORT is set, http://127.0.0.1:HEALTH_PORT answers GET /livez, /readyz (503 while it starts, stops
or has lost NATS) and /metrics (Prometheus), for all instances together; HEALTH_HOST sets another address.
If WEBHOOK_PORT is set, POST http://127.0.0.1:WEBHOOK_PORT/PATH calls the function with this webhook; WEBHOOK_HOST
sets another address.

Examples:
  runtime start functions/
  runtime start functions/ apps/
  runtime start functions/ --instances 4 --name chat
  runtime migrate functions/ apps/ && runtime start functions/ apps/ --no-migrate`,
    )
    .action((folders: string[], _, command: Command) => start(folders, command.optsWithGlobals()))
}

/** Imports the runtime lazily, because the other commands do not need it. */
async function start(
  folders: readonly string[],
  { instances, supervisor, migrate, nats, name }: StartOptions,
) {
  const address = nats ? readNatsOption(nats) : undefined
  const stack = nats || readNatsVariable() ? undefined : findStackUrl('functionsUrl')
  const env = stack ? { ...process.env, NATS_URL: stack.url } : process.env
  const options = { folders: folders.map((folder) => resolve(folder)), env, name }
  if (instances > 1 || supervisor) {
    const { superviseInstances } = await import('./instances.ts')
    // If an instance cannot connect, its error names the source of the address: `--nats` or
    // NATS_URL. So the instance gets `--nats` only if the user gave this option, and otherwise
    // reads NATS_URL.
    const isOption = nats !== undefined && nats !== process.env.NATS_URL
    const args = [...(isOption ? ['--nats', nats] : []), ...(migrate ? [] : ['--no-migrate'])]
    process.exitCode = await superviseInstances({ ...options, args, count: instances })
    return
  }
  const { serveFolders: serve } = await import('./serve.ts')
  await serve({ ...options, nats: address, migrates: migrate })
}

function readCount(text: string): number {
  const count = Number(text)
  if (Number.isInteger(count) && count >= 1 && count <= 256) return count
  throw new InvalidArgumentError('Give a whole number from 1 to 256.')
}
