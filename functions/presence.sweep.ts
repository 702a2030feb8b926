import { sweep } from '#domain/presence/sweep'
import { defineFunction, schedule } from '#runtime'
import { PRESENCE, PRESENCE_CONN } from '#schema/streams'

/**
 * Ends the leases of nats-servers that were killed. After a change of the servers, an outage, and from time to
 * time, compares all leases with the connections.
 */
export default defineFunction(schedule({ everyMs: 10_000 }), (_tick, context) => sweep(context), {
  resources: [PRESENCE, PRESENCE_CONN],
})
