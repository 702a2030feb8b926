/** Replaces the benchmark module of nats-core, because the page does not use it. */
export {}
