import { defineFunction } from '../../runtime/index.ts'
import { benchCpu } from './_contracts.ts'

export default defineFunction(benchCpu, () => {
  const { user, system } = process.cpuUsage()
  return { cpu: user + system }
})
