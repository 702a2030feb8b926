import { defineFunction } from '../../runtime/index.ts'
import { benchTell, benchTold } from './_contracts.ts'

/** What telling costs. */
export default defineFunction(benchTell, ({ times, note }, { publish }) => {
  for (let count = 0; count < times; count++) publish(benchTold, note)
  return {}
})
