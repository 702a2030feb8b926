/**
 * Replaces @nats-io/nkeys, whose signing code would be a seventh of the JavaScript that is loaded
 * first.
 */
function refuse(): never {
  throw new Error('The page logs in with a token and has no NATS keys')
}

export const fromSeed: () => never = refuse
export const encode: () => never = refuse
