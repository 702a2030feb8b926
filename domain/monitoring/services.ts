import { LRUCache } from 'lru-cache'
import type { CollectedSpan, Context, Service } from '#runtime'
import type { ConsoleSpan, Span } from '#schema/messages/console'

const ttlMs = 1_000

export interface ServiceSnapshot {
  at: string
  services: Service[]
}

const snapshots = new LRUCache<'services', ServiceSnapshot, Context>({
  max: 1,
  ttl: ttlMs,
  ignoreFetchAbort: true,
  fetchMethod: async (_key, _stale, { context }) => {
    const services = await context.system.services()
    return { at: new Date().toISOString(), services }
  },
})

export function findServices(context: Context): Promise<ServiceSnapshot> {
  return snapshots.forceFetch('services', { context })
}

export function toSpan({
  id,
  parent,
  name,
  kind,
  version,
  at,
  ms,
  code,
  batch,
}: CollectedSpan): Span {
  return {
    id,
    name,
    kind,
    version,
    at,
    ms,
    ...(parent === undefined ? {} : { parent }),
    ...(code === undefined ? {} : { code }),
    ...(batch === undefined ? {} : { batch }),
  }
}

export function toConsoleSpan(span: CollectedSpan): ConsoleSpan {
  const { process, error } = span
  return { ...toSpan(span), process, ...(error === undefined ? {} : { error }) }
}
