import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { NatsConnection } from '@nats-io/nats-core'
import { connect } from '@nats-io/transport-node'
import { CliError, UsageError } from './failure.ts'
import { note } from './output.ts'

export interface ServerOptions {
  nats?: string
  json?: boolean
  verbose?: boolean
}

/** A server's URL, and the option, variable or file that it comes from. */
interface ServerAddress {
  url: string
  from: string
  /** Printed if the connection fails. */
  hint: string
}

const connectMs = 3_000

/**
 * Connects to the server that `--nats`, NATS_URL or a running stack names, in this order. Disposing of
 * the connection closes it. Throws a CliError that names the server, without its password.
 */
export async function openConnection(options: ServerOptions): Promise<NatsConnection> {
  const target = findServer(options)
  const shown = withoutPassword(target.url)
  if (options.verbose) note(`using ${shown}, from ${target.from}`)
  try {
    return await connect({
      ...readServers(target.url),
      name: 'runtime command line',
      timeout: connectMs,
      reconnect: false,
      noAsyncTraces: true,
    })
  } catch (error) {
    if (error instanceof CliError) throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw new CliError(
      `cannot connect to ${shown} (from ${target.from}): ${reason}\n${target.hint}`,
    )
  }
}

export function withoutPassword(url: string): string {
  return url.replaceAll(/\/\/([^/@:,]*)(:[^/@,]*)?@/g, (_, user, password) =>
    password === undefined ? '//…@' : `//${user}@`,
  )
}

/** Parses comma-separated URLs into nats-core options. */
export function readServers(urls: string) {
  const parsed = urls.split(',').map((part) => {
    const text = part.trim()
    const url = URL.parse(text.includes('://') ? text : `nats://${text}`)
    if (url && /^(nats|tls):$/.test(url.protocol) && url.hostname !== '') return url
    throw new UsageError(
      `"${withoutPassword(text)}" is not a NATS URL: write nats://user:password@host:4222`,
    )
  })
  const login = parsed.find((url) => url.username !== '')
  const user = decodeURIComponent(login?.username ?? '')
  const pass = decodeURIComponent(login?.password ?? '')
  return {
    servers: parsed.map((url) => `${url.hostname}:${url.port || 4222}`),
    ...(user && (pass ? { user, pass } : { token: user })),
    ...(parsed.some((url) => url.protocol === 'tls:') ? { tls: {} } : {}),
  }
}

function findServer({ nats }: ServerOptions): ServerAddress {
  if (nats)
    return {
      url: nats,
      from: nats === process.env.NATS_URL ? 'NATS_URL' : '--nats',
      hint: 'Check that a server runs there and that it accepts this user.',
    }
  const state = findStack()
  if (state) return state
  throw new UsageError(
    'no server: give --nats URL, set NATS_URL, or run "npm start" in this project',
  )
}

/** Finds the stack (`npm start`) of the working directory or of the nearest folder above it. */
function findStack(): ServerAddress | undefined {
  for (const file of stackFiles()) {
    const opsUrl = readOpsUrl(file)
    if (opsUrl) return { url: opsUrl, from: file, hint: 'The stack has stopped: run "npm start"' }
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

function readOpsUrl(file: string): string | undefined {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
  try {
    const { opsUrl } = JSON.parse(text)
    if (typeof opsUrl === 'string') return opsUrl
  } catch {}
  throw new CliError(`${file} has no opsUrl: delete it, or restart the stack`)
}
