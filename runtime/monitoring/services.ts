import type { NatsConnection } from '@nats-io/nats-core'
import type { Service } from '../api/system.ts'
import { discoverInstances, type Info, type Stats } from './discovery.ts'
import { toRows, toSums } from './stats-rows.ts'

/**
 * Creates a function that lists the running services. Each call requests `$SRV.STATS`; a call that finds
 * a new instance requests `$SRV.INFO` as well.
 */
export function createServices(nc: NatsConnection): () => Promise<Service[]> {
  let infoById = new Map<string, Info>()
  return async () => {
    const { valid } = await discoverInstances(nc, 'STATS')
    if (valid.some(({ id }) => !infoById.has(id))) {
      const infos = await discoverInstances(nc, 'INFO')
      infoById = new Map(infos.valid.map((info) => [info.id, info]))
    }
    return [...Map.groupBy(valid, ({ name }) => name).values()].flatMap((instances) =>
      toServices(instances, infoById),
    )
  }
}

function toServices(stats: readonly Stats[], infoById: ReadonlyMap<string, Info>): Service[] {
  const rows = stats.flatMap(toRows)
  const byId = new Map(stats.map((instance) => [instance.id, instance]))
  return toSums(rows).map((sum) => {
    const own = rows.filter(({ endpoint }) => endpoint === sum.endpoint)
    const first = byId.get(own[0]?.id ?? '')
    const endpoint = first?.endpoints?.find(({ name }) => name === sum.endpoint)
    const info = infoById.get(first?.id ?? '')
    const metadata = { ...info?.metadata, ...first?.metadata }
    const label = sum.endpoint === sum.name ? sum.name : `${sum.name}/${sum.endpoint}`
    const { endpoint: _, ...measures } = sum
    return {
      ...measures,
      name: metadata.function ?? label,
      service: sum.name,
      description: info?.description ?? '',
      versions: [...new Set(stats.map(({ version }) => version))].sort(),
      trigger: metadata.trigger ?? '',
      subject: metadata.template ?? endpoint?.subject ?? '',
      queue: endpoint?.queue_group ?? '',
      audience: (metadata.audience ?? '').split(',').filter((role) => role !== ''),
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
