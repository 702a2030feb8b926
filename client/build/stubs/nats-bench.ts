/** Replaces the benchmark module of nats-core, which the page does not use. */
export {}
