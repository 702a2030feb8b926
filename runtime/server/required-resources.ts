import type { BucketDeclaration, StreamDeclaration } from '../api/contract.ts'
import { deadLetters, type Resources, schedules } from '../jetstream/resources.ts'
import { rateLimit } from '../rate-limit/counter.ts'
import type { LoadedFunction } from './loaded-function.ts'

export function requiredResources(functions: readonly LoadedFunction[]): Resources {
  const streams = new Set<StreamDeclaration>()
  const buckets = new Set<BucketDeclaration>()
  for (const { definition } of functions) {
    const { trigger, options } = definition
    for (const resource of options.resources ?? [])
      'stream' in resource ? streams.add(resource) : buckets.add(resource)
    if (options.limit) streams.add(rateLimit)
    if (trigger?.kind === 'kv') buckets.add(trigger.bucket)
    if (trigger?.kind === 'stream') streams.add(trigger.stream)
    if (trigger?.kind === 'schedule') streams.add(schedules)
    if (trigger && ['stream', 'kv', 'schedule'].includes(trigger.kind)) streams.add(deadLetters)
  }
  return { streams, buckets }
}
