import { takeWithinBytes } from '#domain/messages/response-size'
import { findServices } from '#domain/monitoring/services'
import { defineFunction, FunctionError } from '#runtime'
import { consoleService } from '#schema/messages/console'

const maxInstances = 500

export default defineFunction(
  consoleService,
  async ({ name }, context) => {
    const { at, services } = await findServices(context)
    const service = services.find((candidate) => candidate.name === name)
    if (!service) throw new FunctionError('not_found', `Service ${name} is not running`)
    return { at, instances: takeWithinBytes(service.instances.slice(0, maxInstances)) }
  },
  { limit: { max: 240, windowMs: 60_000 } },
)
