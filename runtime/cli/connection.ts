import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { NatsConnection } from '@nats-io/nats-core'
import { AddressError, type NatsAddress, readAddress } from '../nats/address.ts'
import { openConnection as open } from '../nats/connect.ts'
import { readEnvironment } from '../server/environment.ts'
import { CliError, UsageError } from './failure.ts'
import { note } from './output.ts'

export interface ServerOptions {
  nats?: string
  json?: boolean
  verbose?: boolean
}

interface Target {
  address: NatsAddress
  hint: string
}

/**
 * The fields with NATS URLs in `stack.json`, which a running stack (`npm start`) writes: `opsUrl`
 * is for operators, and `functionsUrl` for processes that serve functions.
 */
type StackUrl = 'opsUrl' | 'functionsUrl'

const connectMs = 3_000

/**
 * Connects to the servers of the first source that is present: `--nats`, NATS_URL, NATS_URL_FILE,
 * or a running stack. Throws a CliError that names the server, without its password.
 */
export async function openConnection(options: ServerOptions): Promise<NatsConnection> {
  const { address, hint } = findServer(options)
  const { shown, source } = address
  if (options.verbose) note(`using ${shown}, from ${source}`)
  try {
    return await open(address, {
      name: 'runtime command line',
      timeout: connectMs,
      reconnect: false,
      noAsyncTraces: true,
    })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    // A reason that begins with the source already names the server and says how to fix the
    // problem.
    if (reason.startsWith(`${source}: `)) throw new CliError(reason)
    throw new CliError(`cannot connect to ${shown} (from ${source}): ${reason}\n${hint}`)
  }
}

export function readNatsOption(nats: string): NatsAddress {
  try {
    return readAddress(nats === readNatsVariable() ? 'NATS_URL' : '--nats', nats)
  } catch (error) {
    throw error instanceof AddressError ? new UsageError(error.message) : error
  }
}

/** Returns the value of NATS_URL, or the content of the file NATS_URL_FILE. */
export function readNatsVariable(): string | undefined {
  return readEnvironment(process.env).NATS_URL
}

function findServer({ nats }: ServerOptions): Target {
  const url = nats || readNatsVariable()
  if (url)
    return {
      address: readNatsOption(url),
      hint: 'Check that a server runs there and that it accepts this user.',
    }
  const stack = findStackUrl('opsUrl')
  if (stack)
    return {
      address: readAddress(stack.file, stack.url),
      hint: 'The stack has stopped: run "npm start"',
    }
  throw new UsageError(
    'no server: give --nats URL, set NATS_URL, or run "npm start" in this project',
  )
}

/**
 * Returns the URL `key` of a running stack (`npm start`), and the file that contains it:
 * `stack.json` in the folder NATTER_STATE or, if that is not set, in `.natter` of the working
 * directory or of the nearest folder above it.
 */
export function findStackUrl(key: StackUrl): { file: string; url: string } | undefined {
  for (const file of stackFiles()) {
    const url = readStackUrl(file, key)
    if (url) return { file, url }
  }
  return undefined
}

function stackFiles(): string[] {
  const { NATTER_STATE } = process.env
  if (NATTER_STATE) return [resolve(NATTER_STATE, 'stack.json')]
  const files = []
  for (let folder = process.cwd(), last = ''; folder !== last; folder = dirname(folder)) {
    files.push(join(folder, '.natter', 'stack.json'))
    last = folder
  }
  return files
}

function readStackUrl(file: string, key: StackUrl): string | undefined {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
  try {
    const url = JSON.parse(text)[key]
    if (typeof url === 'string') return url
  } catch {}
  throw new CliError(`${file} has no ${key}: delete it, or restart the stack`)
}
