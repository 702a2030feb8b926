import { defineFunction, kvWatch } from '#runtime'
import { tallies, tallyChanged } from './_tally.ts'

/** Publishes each change of a tally. Several quick changes of one tally may be published as one. */
export default defineFunction(kvWatch(tallies), (change, { publish }) => {
  if (change.operation === 'put')
    publish(tallyChanged, { name: change.key, count: change.value.count })
})
