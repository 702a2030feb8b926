import { takeWithinBytes } from '#domain/messages/response-size'
import { findServices } from '#domain/monitoring/services'
import { defineFunction } from '#runtime'
import { consoleServices } from '#schema/messages/console'

/** Shows everything that answers on `$SRV`, which people may not ask themselves. */
export default defineFunction(
  consoleServices,
  async (_input, context) => {
    const { at, services } = await findServices(context)
    const sums = services.map((one) => ({ ...one, instances: one.instances.length }))
    return { at, services: takeWithinBytes(sums) }
  },
  { limit: { max: 240, windowMs: 60_000 } },
)
