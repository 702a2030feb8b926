import { resolve } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'

interface StartOptions {
  instances: number
  nats?: string
  name?: string
}

export function addStart(program: Command): void {
  program
    .command('start')
    .description('serve the functions of a folder until SIGTERM or Ctrl-C')
    .argument('<folder>', 'where the functions are')
    .option('--instances <n>', 'how many processes serve them side by side', readCount, 1)
    .option('--name <name>', 'what this runtime is called in connection lists and metadata')
    .addHelpText(
      'after',
      `
Logs are JSON lines on stdout; the line with msg "ready" means that all is served.
Told to stop, it takes nothing new, finishes what is under way and exits with 0; told twice, it
leaves at once with 130. With several instances, SIGHUP replaces them one after the other, and one
that dies is started again. A file that cannot be served stops the start, with 1 and its name.

Examples:
  runtime start functions/
  runtime start functions/ --instances 4 --name chat`,
    )
    .action((folder: string, _, command: Command) => start(folder, command.optsWithGlobals()))
}

/** Loads what it needs when it needs it: the other verbs should not wait for that. */
async function start(folder: string, { instances, nats, name }: StartOptions) {
  const env = nats === undefined ? process.env : { ...process.env, NATS_URL: nats }
  const options = { folder: resolve(folder), env, name }
  if (instances > 1) {
    const { superviseInstances } = await import('./instances.ts')
    process.exitCode = await superviseInstances({ ...options, count: instances })
    return
  }
  const { serveFolder: serve } = await import('./serve.ts')
  await serve(options)
}

function readCount(text: string): number {
  const count = Number(text)
  if (Number.isInteger(count) && count >= 1 && count <= 256) return count
  throw new InvalidArgumentError('Give a whole number from 1 to 256.')
}
