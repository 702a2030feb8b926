import { type ServiceConfig, type ServiceMsg, Svcm } from '@nats-io/services'
import type { Logger } from 'pino'
import type { AuthGrant, AuthRequest } from '../api/auth.ts'
import { defaultTimeoutMs } from '../api/contract.ts'
import { errorStatus, FunctionError } from '../api/errors.ts'
import { serveCallout } from '../auth-callout/serve.ts'
import { connectTo } from '../nats/connect.ts'
import { isUnavailable, toFunctionError } from '../nats/unavailable.ts'
import { CallContext } from './call-context.ts'
import type { RuntimeConfig } from './config.ts'
import { Dispatcher, type Job } from './dispatcher.ts'
import type { FunctionHost } from './function-host.ts'
import { RequestJob, requestKind } from './request.ts'
import type { FunctionStats } from './stats.ts'
import { consumeBucket, consumeSchedule, consumeStream } from './triggers.ts'

/** A function that is being served. */
export interface Served {
  readonly dispatcher: Dispatcher
  /** Takes nothing new; what had been received is still handled. */
  leave(): Promise<void>
}

const defaults = { concurrency: 128, maxQueued: 1_024 }

/** Serves one function as a micro service of its own, whatever its trigger. */
export async function serveFunction(
  host: FunctionHost,
  config: RuntimeConfig,
  log: Logger,
): Promise<Served> {
  const { options, trigger } = host.loaded.definition
  const dispatcher = new Dispatcher({ ...defaults, ...options })
  if (!trigger || trigger.kind === 'event') {
    const kind = requestKind(host, dispatcher)
    const queue = trigger ? (trigger.queue ?? '') : host.loaded.queue
    return serveEndpoint(host, dispatcher, {
      subject: kind.subject.pattern,
      queue,
      handle: (message) => dispatcher.accept(new RequestJob(kind, message)),
    })
  }
  if (trigger.kind === 'callout') return serveAuthCallout(host, dispatcher, config, log)

  const ground = { host, dispatcher, js: host.backbone.js }
  const consumer =
    trigger.kind === 'stream'
      ? await consumeStream(ground, trigger)
      : trigger.kind === 'kv'
        ? await consumeBucket(ground, trigger)
        : await consumeSchedule(ground, trigger)
  const state = () => consumer.pending()
  const replay = (seq: number) => consumer.replay(seq)
  return withCleanup(await serveState(host, dispatcher, state, replay), () => consumer.stop())
}

/** The auth callout is answered on a connection of its own: no other account may see it. */
async function serveAuthCallout(
  host: FunctionHost,
  dispatcher: Dispatcher,
  config: RuntimeConfig,
  log: Logger,
): Promise<Served> {
  const { natsAuthUrl, calloutSeed, calloutXkeySeed } = config
  if (!natsAuthUrl || !calloutSeed)
    throw new Error(
      `${host.loaded.name} answers the auth callout and needs NATS_AUTH_URL and NATS_CALLOUT_SEED`,
    )
  const nc = await connectTo('NATS_AUTH_URL', natsAuthUrl, `${config.name} callout`)
  const served = serveCallout(
    nc,
    {
      seed: calloutSeed,
      xkeySeed: calloutXkeySeed,
      queue: host.loaded.queue,
      onFault: (error) => log.error({ err: error }, 'login not answered'),
    },
    (login) =>
      new Promise<AuthGrant>((resolve, reject) =>
        dispatcher.accept(new AuthCalloutJob(host, dispatcher.stats, login, resolve, reject, log)),
      ),
  )
  const state = async () => ({ logins: dispatcher.stats.requests })
  return withCleanup(await serveState(host, dispatcher, state), async () => {
    // Without a connection there is nobody to leave, and the logins under way have no answer.
    await served.drain().catch(() => {})
    await dispatcher.idle()
    await nc.drain().catch(() => nc.close())
  })
}

class AuthCalloutJob implements Job {
  readonly until = performance.now() + defaultTimeoutMs
  slot = -1
  readonly #host: FunctionHost
  readonly #stats: FunctionStats
  readonly #login: AuthRequest
  readonly #resolve: (admission: AuthGrant) => void
  readonly #reject: (reason: FunctionError) => void
  readonly #log: Logger
  #refusal: FunctionError | undefined

  constructor(
    host: FunctionHost,
    stats: FunctionStats,
    login: AuthRequest,
    resolve: (admission: AuthGrant) => void,
    reject: (reason: FunctionError) => void,
    log: Logger,
  ) {
    this.#host = host
    this.#stats = stats
    this.#login = login
    this.#resolve = resolve
    this.#reject = reject
    this.#log = log
  }

  run(ended: (job: Job) => void): boolean {
    void this.#admit().then(() => ended(this))
    return false
  }

  async #admit() {
    const started = performance.now()
    const context = new CallContext(this.#host, '', this.until, undefined)
    try {
      const { handle } = this.#host.loaded.definition
      this.#resolve((await handle(this.#login as never, context)) as AuthGrant)
    } catch (error) {
      const reason = toFunctionError(error)
      const { host: from, kind } = this.#login
      if (reason === error) this.#log.info({ reason: reason.message, from, kind }, 'login refused')
      else this.#log.error({ err: error, from, kind }, 'login failed')
      this.refuse(reason)
    }
    const endedAt = performance.now()
    this.#stats.ended(endedAt - started)
    const { spans } = this.#host
    const code = this.#refusal?.code
    if (spans.shouldRecord(undefined, started, endedAt, code))
      spans.record({ startedAt: started, endedAt, code })
  }

  refuse(reason: FunctionError): void {
    // Overdue, it has been refused, and may yet fail.
    if (this.#refusal) return
    this.#refusal = reason
    if (reason.code === 'timeout') this.#stats.timeouts++
    this.#stats.failed(reason.message)
    this.#reject(reason)
  }
}

/**
 * What nobody asks by a subject of its own still is a service, so that all functions are listed, and
 * `fn.{name}` answers how it stands; with `{"replay": 7}`, it tries that dead letter of its again.
 */
function serveState(
  host: FunctionHost,
  dispatcher: Dispatcher,
  state: () => Promise<Record<string, unknown>>,
  replay?: (seq: number) => Promise<boolean>,
): Promise<Served> {
  return serveEndpoint(host, dispatcher, {
    subject: `fn.${host.loaded.name}`,
    queue: host.loaded.queue,
    handle(message) {
      const { trigger, name } = host.loaded
      const seq = readReplay(message)
      if (seq !== undefined && replay) return void answerReplay(message, replay(seq))
      state().then(
        (now) => message.respond(JSON.stringify({ name, trigger, ...now })),
        (error) => message.respondError(503, String(error)),
      )
    },
  })
}

/** Which dead letter is to be tried again, if that is what is asked. */
function readReplay(message: ServiceMsg): number | undefined {
  try {
    const { replay } = Object(message.json()) as { replay?: unknown }
    return Number.isSafeInteger(replay) ? (replay as number) : undefined
  } catch {
    return undefined
  }
}

async function answerReplay(message: ServiceMsg, outcome: Promise<boolean>) {
  try {
    message.respond(JSON.stringify({ replayed: await outcome }))
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    const refusal = isUnavailable(error)
      ? toFunctionError(error)
      : new FunctionError('conflict', `It failed again: ${reason.slice(0, 300)}`)
    message.respondError(errorStatus[refusal.code], refusal.code, JSON.stringify(refusal))
  }
}

function withCleanup(served: Served, leave: () => Promise<void>): Served {
  return {
    dispatcher: served.dispatcher,
    leave: async () => void (await Promise.all([served.leave(), leave()])),
  }
}

interface Endpoint {
  subject: string
  queue: string
  handle(message: ServiceMsg): void
}

async function serveEndpoint(
  host: FunctionHost,
  dispatcher: Dispatcher,
  { subject, queue, handle }: Endpoint,
): Promise<Served> {
  const { service: name, version, definition, trigger, subject: template, audience } = host.loaded
  const metadata = {
    function: host.loaded.name,
    trigger,
    process: host.backbone.process,
    ...(template === undefined ? {} : { subject: template, template }),
    ...(audience === undefined ? {} : { audience: audience.join(',') }),
  }
  const config: ServiceConfig = {
    name,
    version,
    description: definition.contract?.description ?? `${trigger} ${host.loaded.name}`,
    metadata,
    // The queue group is the endpoint's; the service's own would be used where that is empty.
    queue: '',
    async statsHandler(endpoint) {
      // The library reports this very object next, and by itself counts synchronous time alone.
      const reported = endpoint as unknown as { stats: object }
      Object.assign(reported.stats, dispatcher.stats.micro)
      return { ...dispatcher.stats.data, queued: dispatcher.queued }
    },
  }
  const service = await new Svcm(host.backbone.nc).add(config)
  service.addEndpoint(name, {
    subject,
    ...(queue === '' ? {} : { queue }),
    metadata,
    handler: (error, message) => {
      if (!error) handle(message)
    },
  })
  service.stopped.then((error) => {
    if (error) host.log.fatal({ err: error }, 'the service has ended')
  })
  return {
    dispatcher,
    leave: async () => void (await service.stop()),
  }
}
