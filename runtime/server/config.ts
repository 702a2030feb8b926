import type { LimitFallback } from '../rate-limit/limiter.ts'

/** What the environment says about the runtime. Read once, at the start. */
export interface RuntimeConfig {
  /** Where the functions are served: a user of the account FUNCTIONS. */
  natsUrl: string
  /** Where the auth callout is answered: a user of the account AUTH. Needed by a callout alone. */
  natsAuthUrl: string | undefined
  /** The account seed (SA…) that signs what the callout answers. */
  calloutSeed: string | undefined
  /** The curve seed (SX…) the callout's messages are sealed with. */
  calloutXkeySeed: string | undefined
  /** What the connection is called in the server's lists. */
  name: string
  /** How long a stop may take before what is under way is refused, in milliseconds. */
  drainMs: number
  /** What becomes of calls while the shared rate limits are away. */
  limitFallback: LimitFallback
  /** What every function's limit is multiplied by. */
  limitFactor: number
  /** All of it, for the functions' own `env`. */
  env: Readonly<Record<string, string | undefined>>
}

/** Throws an Error that names the variable which does not fit. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): RuntimeConfig {
  return {
    natsUrl: readUrl(env, 'NATS_URL') ?? 'nats://127.0.0.1:4222',
    natsAuthUrl: readUrl(env, 'NATS_AUTH_URL'),
    calloutSeed: env.NATS_CALLOUT_SEED || undefined,
    calloutXkeySeed: env.NATS_CALLOUT_XKEY_SEED || undefined,
    name: env.NATTER_NAME || 'natter',
    drainMs: readMilliseconds(env, 'NATTER_DRAIN_MS', 10_000),
    limitFallback: readFallback(env),
    limitFactor: readFactor(env),
    env,
  }
}

function readFallback({
  RATE_LIMIT_FALLBACK: value,
}: Readonly<Record<string, string | undefined>>) {
  if (value === undefined || value === '' || value === 'allow') return 'allow'
  if (value === 'block') return 'block'
  throw new Error(`RATE_LIMIT_FALLBACK is "${value}": say allow or block`)
}

function readFactor({ RATE_LIMIT_FACTOR: value }: Readonly<Record<string, string | undefined>>) {
  const factor = Number(value || 1)
  if (factor > 0 && factor <= 1e6) return factor
  throw new Error(`RATE_LIMIT_FACTOR is "${value}": give a number over 0, such as 1 or 0.5`)
}

function readUrl(env: Readonly<Record<string, string | undefined>>, name: string) {
  const value = env[name]
  if (!value) return undefined
  const url = URL.parse(value)
  if (url && ['nats:', 'tls:'].includes(url.protocol) && url.hostname) return value
  throw new Error(`${name} must be a URL like nats://user:password@host:4222`)
}

function readMilliseconds(
  env: Readonly<Record<string, string | undefined>>,
  name: string,
  usual: number,
) {
  const value = env[name]
  if (value === undefined || value === '') return usual
  if (/^\d{1,7}$/.test(value)) return Number(value)
  throw new Error(`${name} is "${value}": give whole milliseconds, such as ${usual}`)
}
