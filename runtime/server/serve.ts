import type { Logger } from 'pino'
import { retryUntilAvailable } from '../nats/retry.ts'
import { serveAuthCallout } from './auth-callout.ts'
import type { RuntimeConfig } from './config.ts'
import { Dispatcher } from './dispatcher.ts'
import { type Served, serveEndpoint, serveState, withCleanup } from './endpoint.ts'
import type { FunctionHost } from './function-host.ts'
import { RequestJob } from './request.ts'
import { requestKind } from './request-kind.ts'
import { consumeBucket, consumeSchedule, consumeStream } from './triggers.ts'

const defaults = { concurrency: 128, maxQueued: 1_024 }

export async function serveFunction(
  host: FunctionHost,
  config: RuntimeConfig,
  log: Logger,
): Promise<Served> {
  const { options, trigger } = host.loaded.definition
  const onAbandoned = () => log.error('handler still running long after its deadline, slot freed')
  const { concurrency, maxQueued } = { ...defaults, ...options }
  const perCaller = {
    concurrency: Math.ceil(concurrency / 2),
    maxQueued: Math.ceil(maxQueued / 2),
    ...options.perCaller,
  }
  const dispatcher = new Dispatcher({ concurrency, maxQueued, perCaller, onAbandoned })
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

  const context = { host, dispatcher, js: host.backbone.js }
  let isRetry = false
  const consumer = await retryUntilAvailable('JetStream', log, async () => {
    // Since the streams were created, the server may have restarted and lost them.
    if (isRetry) await host.backbone.ensureResources()
    isRetry = true
    if (trigger.kind === 'stream') return consumeStream(context, trigger)
    if (trigger.kind === 'kv') return consumeBucket(context, trigger)
    return consumeSchedule(context, trigger)
  })
  const state = () => consumer.pending()
  const replay = (seq: number) => consumer.replay(seq)
  const served = await serveState(host, dispatcher, state, replay)
  const isIdle = () => consumer.isIdle && served.isIdle()
  return { ...withCleanup(served, () => consumer.stop()), backlog: state, isIdle }
}
