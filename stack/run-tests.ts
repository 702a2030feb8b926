import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { failedFilesVariable } from './failed-files-reporter.ts'
import { run } from './run.ts'

/** If more files fail, none runs again: the cause is then a faulty change or a slow machine. */
const maxRepeatedFiles = 10

const reporter = join(import.meta.dirname, 'failed-files-reporter.ts')

/**
 * Runs the tests of a folder that has a configuration of vitest, and then the failed test files
 * once more. A failed file runs as a whole, because a test may need the state that earlier tests of
 * its file left. After an error that belongs to no test, no file runs again. Returns the exit code.
 */
export async function runTests(folder: string, env: NodeJS.ProcessEnv): Promise<number> {
  const dir = await mkdtemp(join(tmpdir(), 'natter-tests-'))
  try {
    const report = join(dir, 'failed-files')
    const reporters = ['--reporter=default', `--reporter=${reporter}`]
    const code = await run('vitest', ['run', '--root', folder, ...reporters], {
      ...env,
      [failedFilesVariable]: report,
    })
    if (code === 0 || code > 128) return code

    const failed = await readFailedFiles(report, folder)
    if (failed.length === 0 || failed.length > maxRepeatedFiles) return code
    const list = failed.map((file) => `\n  ${file}`).join('')
    console.error(`These test files failed and now run once more:${list}`)
    const again = await run('vitest', ['run', '--root', folder, '--maxWorkers=1', ...failed], env)
    if (again === 0)
      console.error(`These test files failed at first and passed when repeated. Fix them:${list}`)
    return again
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

async function readFailedFiles(report: string, folder: string): Promise<string[]> {
  const text = await readFile(report, 'utf8').catch(() => '')
  return text
    .split('\n')
    .filter(Boolean)
    .map((path) => relative(folder, path))
}
