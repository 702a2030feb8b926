import type { FindOptions } from './cache.ts'
import { findProgram } from './program.ts'

const packages = ['prometheus']

export function findPrometheus(options?: FindOptions): Promise<string> {
  return findProgram(
    {
      title: 'Prometheus',
      variable: 'NATTER_TEST_PROMETHEUS',
      names: ['prometheus'],
      packages,
    },
    options,
  )
}

export function findPromtool(options?: FindOptions): Promise<string> {
  return findProgram(
    { title: 'promtool', variable: 'NATTER_TEST_PROMTOOL', names: ['promtool'], packages },
    options,
  )
}
