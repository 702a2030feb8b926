import type { NatsConnection } from '@nats-io/nats-core'
import { discoverInstances, type Info, type Stats } from './discovery.ts'
import { type InstanceRow, type StatsRow, toRows, toSums } from './stats-rows.ts'

/** A function, or any other micro service, as all its instances together say of themselves. */
export interface Service extends Omit<StatsRow, 'endpoint' | 'lastError'> {
  /** `room.join`; for what is no function, the service's own name. */
  name: string
  service: string
  description: string
  versions: string[]
  /** Empty for what is no function. */
  trigger: string
  /** Where it is asked, with its names in braces. */
  subject: string
  queue: string
  /** Who may ask it. */
  audience: string[]
  lastError: string
  /** When the youngest of its instances was started: before that, the sums were of others. */
  since: string
  instances: ServiceInstance[]
}

export interface ServiceInstance extends Omit<InstanceRow, 'name' | 'endpoint'> {
  version: string
  /** Host and process. */
  process: string
}

/**
 * Answers what runs now, by `$SRV`: numbers each time, and what does not change while an instance
 * lives only when a new one is seen.
 */
export function createServices(nc: NatsConnection): () => Promise<Service[]> {
  let known = new Map<string, Info>()
  return async () => {
    const { valid } = await discoverInstances(nc, 'STATS')
    if (valid.some(({ id }) => !known.has(id))) {
      const infos = await discoverInstances(nc, 'INFO')
      known = new Map(infos.valid.map((info) => [info.id, info]))
    }
    return [...Map.groupBy(valid, ({ name }) => name).values()].flatMap((instances) =>
      toServices(instances, known),
    )
  }
}

/** Of one name; several where it has several endpoints. */
function toServices(stats: readonly Stats[], known: ReadonlyMap<string, Info>): Service[] {
  const rows = stats.flatMap(toRows)
  const byId = new Map(stats.map((one) => [one.id, one]))
  return toSums(rows).map((sum) => {
    const own = rows.filter(({ endpoint }) => endpoint === sum.endpoint)
    const first = byId.get(own[0]?.id ?? '')
    const endpoint = first?.endpoints?.find(({ name }) => name === sum.endpoint)
    const info = known.get(first?.id ?? '')
    const said = { ...info?.metadata, ...first?.metadata }
    const label = sum.endpoint === sum.name ? sum.name : `${sum.name}/${sum.endpoint}`
    const { endpoint: _, ...measures } = sum
    return {
      ...measures,
      name: said.function ?? label,
      service: sum.name,
      description: info?.description ?? '',
      versions: [...new Set(stats.map(({ version }) => version))].sort(),
      trigger: said.trigger ?? '',
      subject: said.template ?? endpoint?.subject ?? '',
      queue: endpoint?.queue_group ?? '',
      audience: (said.audience ?? '').split(',').filter((it) => it !== ''),
      since:
        own
          .map(({ started }) => started)
          .sort()
          .at(-1) ?? '',
      instances: own.map(({ name: _name, endpoint: _endpoint, ...row }) => ({
        ...row,
        version: byId.get(row.id)?.version ?? '',
        process: byId.get(row.id)?.metadata?.process ?? '',
      })),
    }
  })
}
