import { takeWithinBytes } from '#domain/messages/response-size'
import { findServices } from '#domain/monitoring/services'
import { defineFunction, FunctionError } from '#runtime'
import { consoleService } from '#schema/messages/console'

/** Nobody would read more. */
const maxInstances = 500

/** Shows the instances of one function. */
export default defineFunction(
  consoleService,
  async ({ name }, context) => {
    const { at, services } = await findServices(context)
    const service = services.find((one) => one.name === name)
    if (!service) throw new FunctionError('not_found', `Nothing answers to the name ${name}`)
    return { at, instances: takeWithinBytes(service.instances.slice(0, maxInstances)) }
  },
  { limit: { max: 240, windowMs: 60_000 } },
)
