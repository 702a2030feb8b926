import { type ServiceConfig, type ServiceMsg, Svcm } from '@nats-io/services'
import type { Dispatcher } from './dispatcher.ts'
import type { FunctionHost } from './function-host.ts'
import { answerReplay, readReplaySequence } from './replay.ts'

export interface Backlog {
  pending: number
  unacknowledged: number
  /** Unacknowledged messages that were delivered more than once. */
  redelivered: number
}

export interface Served {
  readonly name: string
  readonly service: string
  readonly dispatcher: Dispatcher
  /**
   * Counts the messages that the function's consumer has not finished, over all processes. Sends a
   * request to NATS.
   */
  readonly backlog?: () => Promise<Backlog>
  /** Returns true if the process has finished all requests and messages that it received. */
  isIdle(): boolean
  /** Leaves the queue group. Messages that have already been received are still handled. */
  leave(): Promise<void>
}

interface Endpoint {
  subject: string
  queue: string
  handle(message: ServiceMsg): void
}

export async function serveEndpoint(
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
    // Without this field, an endpoint that must have no queue group would get the default queue
    // group of nats.js.
    queue: '',
    async statsHandler(endpoint) {
      // nats.js measures a handler only until it returns a promise. So the dispatcher's statistics
      // replace those of nats.js.
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
    if (error) host.log.fatal({ err: error }, 'service stopped with an error')
  })
  return {
    name: host.loaded.name,
    service: name,
    dispatcher,
    isIdle: () => dispatcher.isIdle,
    leave: async () => void (await service.stop()),
  }
}

/**
 * Serves `fn.{name}` for a function with a trigger. Such a function has no subject of its own, and
 * would otherwise be missing in lists of services. Replies with the function's state. The request
 * `{"replay": 7}` replays the dead letter with the sequence 7.
 */
export function serveState(
  host: FunctionHost,
  dispatcher: Dispatcher,
  state: () => Promise<object>,
  replay?: (seq: number) => Promise<boolean>,
): Promise<Served> {
  return serveEndpoint(host, dispatcher, {
    subject: `fn.${host.loaded.name}`,
    queue: host.loaded.queue,
    handle(message) {
      const { trigger, name } = host.loaded
      const seq = readReplaySequence(message)
      if (seq !== undefined && replay) return void answerReplay(message, replay(seq), host.log)
      state()
        .then(
          (now) => message.respond(JSON.stringify({ name, trigger, ...now })),
          (error) => message.respondError(503, String(error)),
        )
        .catch((err) => host.log.error({ err }, 'state not sent'))
    },
  })
}

export function withCleanup(served: Served, leave: () => Promise<void>): Served {
  return {
    ...served,
    leave: async () => void (await Promise.all([served.leave(), leave()])),
  }
}
