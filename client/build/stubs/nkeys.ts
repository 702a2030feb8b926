/**
 * In the place of @nats-io/nkeys: who logs in with a token signs nothing, and what signs would be a
 * seventh of all that is loaded before the first message.
 */
function refuse(): never {
  throw new Error('This page logs in with a token: it has no keys')
}

export const fromSeed: () => never = refuse
export const encode: () => never = refuse
