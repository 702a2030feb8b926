import type { FunctionInfo } from '../api/context.ts'
import type { System } from '../api/system.ts'
import type { BucketConnections } from '../jetstream/kv.ts'
import type { SpanStore } from '../tracing/span-store.ts'

/** The connection, inbox and stores that all functions of a process share. */
export interface Backbone extends BucketConnections {
  readonly functions: readonly FunctionInfo[]
  readonly spans: SpanStore
  readonly system: System
  /** The name of this process: `host:pid`. */
  readonly process: string
}
