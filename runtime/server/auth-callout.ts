import type { NatsConnection } from '@nats-io/nats-core'
import type { Logger } from 'pino'
import { checkPublish, requestPatterns } from '../api/audience.ts'
import type { AuthGrant, AuthRequest } from '../api/auth.ts'
import type { FunctionInfo } from '../api/context.ts'
import { cancelSubject } from '../api/contract.ts'
import { FunctionError } from '../api/errors.ts'
import type { Permissions } from '../auth-callout/jwt.ts'
import { type LoginConnection, serveCallout } from '../auth-callout/serve.ts'
import type { ClientConnections } from '../monitoring/connections.ts'
import { connectToNats } from '../nats/connect.ts'
import { retryUntilAvailable } from '../nats/retry.ts'
import { describeCauses, isUnavailable, toFunctionError } from '../nats/unavailable.ts'
import { CallContext } from './call-context.ts'
import type { RuntimeConfig } from './config.ts'
import type { Dispatcher, Job } from './dispatcher.ts'
import { type Served, serveState, withCleanup } from './endpoint.ts'
import type { FunctionHost } from './function-host.ts'
import { followFunctions } from './other-functions.ts'
import type { FunctionStats } from './stats.ts'

/**
 * Maximum time to answer a login. Must be shorter than 20 s: after this time, nats-server closes
 * the connection of an unanswered login (nats.conf).
 */
const loginTimeoutMs = 15_000

/**
 * Serves the auth callout on a separate connection, because only users of the account AUTH may answer it.
 */
export async function serveAuthCallout(
  host: FunctionHost,
  dispatcher: Dispatcher,
  config: RuntimeConfig,
  log: Logger,
): Promise<Served> {
  const { natsAuth, calloutSeed, calloutXkeySeed } = config
  if (!natsAuth || !calloutSeed)
    throw new Error(
      `${host.loaded.name} answers the auth callout and needs NATS_AUTH_URL and NATS_CALLOUT_SEED`,
    )
  const nc = await retryUntilAvailable('NATS for the auth callout', log, () =>
    connectToNats(natsAuth, `${config.name} callout`),
  )
  host.backbone.connections.attach(nc)
  host.backbone.connectionState.watch(nc)
  const { nc: functionsNc, functions: own } = host.backbone
  const functions = await followFunctions(functionsNc, own, log)
  const served = serveCallout(
    nc,
    {
      seed: calloutSeed,
      xkeySeed: calloutXkeySeed,
      queue: host.loaded.queue,
      onFault: (error) => log.error({ err: error }, 'login not answered'),
    },
    (request, connection) =>
      new Promise<Permissions | undefined>((resolve, reject) =>
        dispatcher.accept(
          new AuthCalloutJob(
            { host, functions, stats: dispatcher.stats, log },
            { request, connection },
            resolve,
            reject,
          ),
        ),
      ),
  )
  void closeUnansweredLogins(nc, host.backbone.connections, log)
  const state = async () => ({ logins: dispatcher.stats.requests })
  return withCleanup(await serveState(host, dispatcher, state), async () => {
    functions.stop()
    // Draining fails if the connection is lost. Ignores the error, so that the process can stop.
    await served.drain().catch(() => {})
    await dispatcher.idle()
    await nc.drain().catch(() => nc.close())
  })
}

/**
 * Closes the connections with unanswered logins (see `closeUnanswered`), at the start and after
 * each reconnect.
 */
async function closeUnansweredLogins(
  nc: NatsConnection,
  connections: ClientConnections,
  log: Logger,
): Promise<void> {
  const close = async () => {
    // After the flush, the server has this process's subscription to the auth callout, so all later
    // logins are answered.
    await nc.flush()
    await connections.closeUnanswered()
  }
  const run = () => close().catch((err) => log.debug({ err }, 'waiting logins not closed'))
  await run()
  for await (const { type } of nc.status()) if (type === 'reconnect') await run()
}

interface LoginKind {
  host: FunctionHost
  functions: { all(): readonly FunctionInfo[] }
  stats: FunctionStats
  log: Logger
}

interface Login {
  request: AuthRequest
  connection: LoginConnection
}

class AuthCalloutJob implements Job {
  readonly caller = ''
  readonly until = performance.now() + loginTimeoutMs
  slot = -1
  readonly #host: FunctionHost
  readonly #functions: LoginKind['functions']
  readonly #stats: FunctionStats
  readonly #request: AuthRequest
  readonly #connection: LoginConnection
  readonly #resolve: (permissions: Permissions | undefined) => void
  readonly #reject: (reason: FunctionError) => void
  readonly #log: Logger
  #context: CallContext | undefined
  #refusal: FunctionError | undefined

  constructor(
    { host, functions, stats, log }: LoginKind,
    { request, connection }: Login,
    resolve: (permissions: Permissions | undefined) => void,
    reject: (reason: FunctionError) => void,
  ) {
    this.#host = host
    this.#functions = functions
    this.#stats = stats
    this.#request = request
    this.#connection = connection
    this.#resolve = resolve
    this.#reject = reject
    this.#log = log
  }

  run(ended: (job: Job) => void): boolean {
    void this.#authenticate().then(() => ended(this))
    return false
  }

  async #authenticate() {
    const startedAt = performance.now()
    const context = new CallContext(this.#host, '', this.until, undefined)
    this.#context = context
    try {
      const { handle } = this.#host.loaded.definition
      const grant = (await this.#host.run(handle, this.#request as never, context)) as AuthGrant
      if (this.#host.backbone.guard.isBlocked(grant.user))
        throw new FunctionError('rate_limited', `${grant.user} has sent too much; try again later`)
      const permissions = toPermissions(grant, this.#functions.all())
      this.#host.backbone.guard.addAliases(grant.user, grant.aliases ?? [])
      this.#host.backbone.labels.add(grant.user, this.#connection, grant.label)
      this.#resolve(permissions)
    } catch (error) {
      this.#stats.storageFailed(error)
      const reason = toFunctionError(error)
      const { host: from, kind } = this.#request
      if (isUnavailable(reason))
        this.#log.warn({ reason: describeCauses(error), from, kind }, 'login not answered')
      else if (reason === error)
        this.#log.info({ reason: reason.message, from, kind }, 'login refused')
      else this.#log.error({ err: error, from, kind }, 'login failed')
      this.refuse(reason)
    }
    const endedAt = performance.now()
    this.#stats.ended(endedAt - startedAt)
    const { spans } = this.#host
    const code = this.#refusal?.code
    if (spans.shouldRecord(undefined, startedAt, endedAt, code))
      spans.record({ startedAt, endedAt, code })
  }

  refuse(reason: FunctionError): void {
    // If the login was refused at its deadline, the handler may fail later and refuse it again.
    // Only the first refusal counts.
    if (this.#refusal) return
    this.#refusal = reason
    if (reason.code === 'timeout') this.#stats.timeouts++
    this.#stats.failed(reason.code, reason.message)
    if (isUnavailable(reason)) this.#leaveUnanswered()
    else this.#reject(reason)
    this.#context?.abort(reason)
  }

  /**
   * Called if a dependency is unavailable, so that the login cannot be checked. It may be valid, so
   * it is not refused. Closes its connection instead, so that the client logs in again without
   * waiting for its timeout.
   */
  #leaveUnanswered() {
    this.#resolve(undefined)
    const { connections } = this.#host.backbone
    connections
      .close(this.#connection)
      .catch((err) => this.#log.debug({ err }, 'connection of a login not closed'))
  }
}

function toPermissions(
  { user, aliases = [], account, roles, publish = [], subscribe, expiresAt }: AuthGrant,
  functions: readonly FunctionInfo[],
): Permissions {
  const patterns = requestPatterns(functions, user, roles)
  checkPublish(publish, functions, [user, ...aliases], roles)
  const cancel = cancelSubject('*.*', user)
  return { user, account, publish: [...patterns, cancel, ...publish], subscribe, expiresAt }
}
