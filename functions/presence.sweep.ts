import { sweep } from '#domain/presence/sweep'
import { defineFunction, schedule } from '#runtime'
import { PRESENCE, PRESENCE_CONN } from '#schema/streams'

/**
 * Ends the leases of connections to nats-servers that were killed, and sets users without another
 * lease offline. Compares all leases with the connections after a server has started or stopped,
 * after an outage, and every 15 minutes.
 */
export default defineFunction(schedule({ everyMs: 10_000 }), (_tick, context) => sweep(context), {
  resources: [PRESENCE, PRESENCE_CONN],
})
