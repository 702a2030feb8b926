import { maxPartitions } from '../jetstream/partitions.ts'
import { type NatsAddress, readAddress } from '../nats/address.ts'
import type { LimitFallback } from '../rate-limit/limiter.ts'
import { type Environment, readEnvironment } from './environment.ts'

export interface RuntimeConfig {
  /** The nats-servers, with the login of a user of the account FUNCTIONS. */
  nats: NatsAddress
  /**
   * The nats-servers, with the login of a user of the account AUTH. Only the auth callout needs
   * this login.
   */
  natsAuth: NatsAddress | undefined
  calloutSeed: string | undefined
  calloutXkeySeed: string | undefined
  /** Minimum number of replicas of each stream and bucket. */
  replicas: number
  /** Number of streams or buckets that each partitioned declaration is divided into. */
  partitions: number
  /**
   * Whether this process moves its connections to servers of the cluster that have fewer of them.
   */
  spreads: boolean
  name: string
  drainMs: number
  importMs: number
  limitFallback: LimitFallback
  limitFactor: number
  env: Environment
}

/**
 * Reads the configuration of a runtime from environment variables. The value of each one may be in
 * a file instead, whose path is in another variable: `NATS_URL_FILE` for `NATS_URL`.
 */
export function readRuntimeConfig(variables: Environment): RuntimeConfig {
  const env = readEnvironment(variables)
  return {
    nats: readAddress('NATS_URL', env.NATS_URL || 'nats://127.0.0.1:4222'),
    natsAuth: env.NATS_AUTH_URL ? readAddress('NATS_AUTH_URL', env.NATS_AUTH_URL) : undefined,
    calloutSeed: env.NATS_CALLOUT_SEED || undefined,
    calloutXkeySeed: env.NATS_CALLOUT_XKEY_SEED || undefined,
    replicas: readReplicas(env),
    partitions: readPartitions(env),
    spreads: readSpread(env),
    name: env.NATTER_NAME || 'natter',
    drainMs: readMilliseconds(env, 'NATTER_DRAIN_MS', 10_000),
    importMs: readImportMs(env),
    limitFallback: readFallback(env),
    limitFactor: readFactor(env),
    env,
  }
}

export interface HttpAddress {
  host: string
  port: number
}

/** Returns undefined if HEALTH_PORT is not set. */
export function readHealthAddress(env: Environment): HttpAddress | undefined {
  return readHttpAddress(env, 'HEALTH', 9_090)
}

/** Returns undefined if WEBHOOK_PORT is not set. */
export function readWebhookAddress(env: Environment): HttpAddress | undefined {
  return readHttpAddress(env, 'WEBHOOK', 9_091)
}

function readHttpAddress(env: Environment, prefix: string, example: number) {
  const [value, host] = [env[`${prefix}_PORT`], env[`${prefix}_HOST`]]
  if (value === undefined || value === '') return undefined
  const port = Number(value)
  if (/^\d+$/.test(value) && port >= 1 && port <= 65_535) return { host: host || '127.0.0.1', port }
  throw new Error(`${prefix}_PORT is "${value}": use a port from 1 to 65535, such as ${example}`)
}

export function readImportMs(env: Environment): number {
  return readMilliseconds(env, 'NATTER_IMPORT_MS', 30_000)
}

function readReplicas({ NATS_REPLICAS: value }: Environment) {
  if (value === undefined || value === '') return 1
  if (/^[1-5]$/.test(value)) return Number(value)
  throw new Error(`NATS_REPLICAS is "${value}": use a number from 1 to 5, such as 3`)
}

function readPartitions({ NATS_PARTITIONS: value }: Environment) {
  if (value === undefined || value === '') return 1
  const count = Number(value)
  if (/^\d+$/.test(value) && count >= 1 && count <= maxPartitions) return count
  throw new Error(
    `NATS_PARTITIONS is "${value}": use a number from 1 to ${maxPartitions}, such as 4`,
  )
}

function readSpread({ NATS_SPREAD: value }: Environment) {
  if (value === undefined || value === '' || value === 'true') return true
  if (value === 'false') return false
  throw new Error(`NATS_SPREAD is "${value}": use true or false`)
}

function readFallback({ RATE_LIMIT_FALLBACK: value }: Environment) {
  if (value === undefined || value === '' || value === 'allow') return 'allow'
  if (value === 'block') return 'block'
  throw new Error(`RATE_LIMIT_FALLBACK is "${value}": use allow or block`)
}

function readFactor({ RATE_LIMIT_FACTOR: value }: Environment) {
  const factor = Number(value || 1)
  if (factor > 0 && factor <= 1e6) return factor
  throw new Error(`RATE_LIMIT_FACTOR is "${value}": use a number over 0, such as 1 or 0.5`)
}

function readMilliseconds(env: Environment, name: string, defaultMs: number) {
  const value = env[name]
  if (value === undefined || value === '') return defaultMs
  if (/^\d{1,7}$/.test(value)) return Number(value)
  throw new Error(`${name} is "${value}": use whole milliseconds, such as ${defaultMs}`)
}
