import { setTimeout as sleep } from 'node:timers/promises'
import { defineFunction } from '../../runtime/index.ts'
import { benchWait } from './_contracts.ts'

/** The call counts against the function's concurrency limit meanwhile. */
export default defineFunction(benchWait, async ({ ms }) => {
  await sleep(ms)
  return {}
})
