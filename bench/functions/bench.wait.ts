import { setTimeout as sleep } from 'node:timers/promises'
import { defineFunction } from '../../runtime/index.ts'
import { benchWait } from './_contracts.ts'

/** Keeps a place taken. */
export default defineFunction(benchWait, async ({ ms }) => {
  await sleep(ms)
  return {}
})
