import { setTimeout as sleep } from 'node:timers/promises'
import { defineFunction } from '../../runtime/index.ts'
import { benchWait } from './_contracts.ts'

/** Waits, so that the call occupies a slot of the function's concurrency limit. */
export default defineFunction(benchWait, async ({ ms }) => {
  await sleep(ms)
  return {}
})
