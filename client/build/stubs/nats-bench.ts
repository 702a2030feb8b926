/** Replaces the benchmark module of nats-core. */
export {}
