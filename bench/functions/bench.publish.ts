import { defineFunction } from '../../runtime/index.ts'
import { benchPublish, benchPublished } from './_contracts.ts'

export default defineFunction(benchPublish, ({ times, payload }, { publish }) => {
  for (let count = 0; count < times; count++) publish(benchPublished, payload)
  return {}
})
