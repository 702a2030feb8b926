import type { NatsConnection } from '@nats-io/nats-core'
import type { Logger } from 'pino'
import * as v from 'valibot'
import type { FunctionInfo } from '../api/context.ts'
import { discoverInstances, type Info } from '../monitoring/discovery.ts'

const servedSubject = 'runtime.functions'

type RequestFunction = Required<FunctionInfo>

const Served = v.array(
  v.object({
    name: v.string(),
    trigger: v.literal('request'),
    subject: v.string(),
    audience: v.array(v.string()),
  }),
)

/**
 * Announces the functions of this process, so that other processes also permit requests to these
 * functions when they answer logins.
 */
export function announceFunctions(nc: NatsConnection, functions: readonly FunctionInfo[]): void {
  const served = functions.filter(({ subject }) => subject !== undefined)
  nc.publish(servedSubject, JSON.stringify(served))
}

/**
 * Collects the functions that serve requests in other processes, even in processes that start
 * later. A function remains in the collection until this process ends, even if no process serves it
 * any more.
 */
export async function followFunctions(
  nc: NatsConnection,
  own: readonly FunctionInfo[],
  log: Logger,
): Promise<{ all(): readonly FunctionInfo[]; stop(): void }> {
  const ownNames = new Set(own.map(({ name }) => name))
  const others = new Map<string, RequestFunction>()
  let all = own
  const add = (functions: readonly RequestFunction[]) => {
    for (const func of functions) if (!ownNames.has(func.name)) others.set(func.name, func)
    all = [...own, ...others.values()]
  }
  // Subscribes to announcements before the discovery, so that a process that starts during the
  // discovery is not missed.
  const subscription = nc.subscribe(servedSubject, {
    callback(error, message) {
      if (error) return
      try {
        add(v.parse(Served, message.json()))
      } catch (err) {
        log.error({ err }, 'announcement of functions ignored')
      }
    },
  })
  const discover = async () => {
    try {
      const { valid } = await discoverInstances(nc, 'INFO')
      add(valid.flatMap(readFunction))
    } catch (err) {
      if (!nc.isClosed()) log.error({ err }, 'functions of other processes not found')
    }
  }
  // While the connection is lost, announcements are missed, so discovers again after each
  // reconnect.
  void discoverAfterReconnects(nc, discover)
  await discover()
  return { all: () => all, stop: () => subscription.unsubscribe() }
}

async function discoverAfterReconnects(nc: NatsConnection, discover: () => Promise<void>) {
  for await (const { type } of nc.status()) if (type === 'reconnect') await discover()
}

function readFunction({ metadata }: Info): RequestFunction[] {
  const { function: name, trigger, template: subject, audience } = metadata ?? {}
  if (!name || trigger !== 'request' || !subject || !audience) return []
  return [{ name, trigger, subject, audience: audience.split(',') }]
}
