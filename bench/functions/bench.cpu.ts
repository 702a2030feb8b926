import { defineFunction } from '../../runtime/index.ts'
import { benchCpu } from './_contracts.ts'

/** What the process of all these functions has cost so far. */
export default defineFunction(benchCpu, () => {
  const { user, system } = process.cpuUsage()
  return { cpu: user + system }
})
