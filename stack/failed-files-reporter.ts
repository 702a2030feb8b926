import { writeFileSync } from 'node:fs'
import type { Reporter, TestModule } from 'vitest/node'

/** The environment variable with the path of the file that the reporter writes. */
export const failedFilesVariable = 'NATTER_FAILED_FILES'

/**
 * Writes the paths of the failed test files, one per line. `runTests` runs these files once more.
 * If an error belongs to no test, writes nothing, because a successful second run would hide this
 * error.
 */
export default class FailedFilesReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const path = process.env[failedFilesVariable]
    if (!path || unhandledErrors.length > 0) return
    const failed = modules.filter((module) => !module.ok()).map(({ moduleId }) => moduleId)
    writeFileSync(path, [...new Set(failed)].join('\n'))
  }
}
