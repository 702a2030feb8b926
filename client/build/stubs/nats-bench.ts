/**
 * Replaces the benchmark module of nats-core, which the page does not use, to make the JavaScript
 * smaller.
 */
export {}
