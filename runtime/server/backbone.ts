import type { NatsConnection } from '@nats-io/nats-core'
import type { FunctionInfo } from '../api/context.ts'
import type { System } from '../api/system.ts'
import type { BucketConnections } from '../jetstream/kv.ts'
import type { ConnectionLabels } from '../monitoring/connection-labels.ts'
import type { ClientConnections } from '../monitoring/connections.ts'
import type { ConnectionState } from '../nats/connection-state.ts'
import type { SpanStore } from '../tracing/span-store.ts'
import type { Audience } from './cancellation.ts'
import type { TrafficGuard } from './traffic-guard.ts'

/** The connection and the other objects that all functions of a process share. */
export interface Backbone extends BucketConnections {
  readonly nc: NatsConnection
  readonly functions: readonly FunctionInfo[]
  readonly spans: SpanStore
  readonly system: System
  readonly connections: ClientConnections
  readonly labels: ConnectionLabels
  readonly connectionState: ConnectionState
  readonly guard: TrafficGuard
  readonly audience: Audience
  /** Creates the missing streams and buckets. Concurrent calls share one run. */
  readonly ensureResources: () => Promise<void>
  readonly process: string
}
