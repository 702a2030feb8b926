import { defineFunction, event } from '../../runtime/index.ts'
import { benchHeard, benchPoured, notesAtOnce } from './_contracts.ts'

let heard = 0

/** What hearing costs. */
export default defineFunction(event(benchPoured), (_note, { publish }) => {
  if (++heard % notesAtOnce === 0) publish(benchHeard, {})
})
