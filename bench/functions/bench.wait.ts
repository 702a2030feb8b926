import { setTimeout as sleep } from 'node:timers/promises'
import { defineFunction } from '../../runtime/index.ts'
import { benchWait } from './_contracts.ts'

/** Keeps the function busy: a waiting call counts against the function's concurrency limit. */
export default defineFunction(benchWait, async ({ ms }) => {
  await sleep(ms)
  return {}
})
