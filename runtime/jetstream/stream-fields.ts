import type { StreamConfig } from '@nats-io/jetstream'

/**
 * The fields of a stream's configuration, except for its name and subjects. A declaration with any
 * other field is rejected, because the server would ignore a misspelt field.
 */
export const streamConfigFields = {
  retention: true,
  storage: true,
  max_consumers: true,
  sealed: true,
  first_seq: true,
  allow_msg_counter: true,
  persist_mode: true,
  description: true,
  max_msgs_per_subject: true,
  max_msgs: true,
  max_age: true,
  max_bytes: true,
  max_msg_size: true,
  discard: true,
  discard_new_per_subject: true,
  no_ack: true,
  duplicate_window: true,
  sources: true,
  allow_rollup_hdrs: true,
  num_replicas: true,
  placement: true,
  deny_delete: true,
  deny_purge: true,
  allow_direct: true,
  mirror_direct: true,
  republish: true,
  metadata: true,
  subject_transform: true,
  compression: true,
  consumer_limits: true,
  subject_delete_marker_ttl: true,
  mirror: true,
  allow_msg_ttl: true,
  allow_msg_schedules: true,
  allow_atomic: true,
  allow_batched: true,
} satisfies Record<Exclude<keyof StreamConfig, 'name' | 'subjects'>, true>
