import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { run } from './run.ts'

/** More failed files than this are the fault of the change or of the machine. */
const maxRepeatedFiles = 10

interface Report {
  testResults: { name: string; status: 'passed' | 'failed' }[]
}

/**
 * Runs the tests of a folder that has a configuration of vitest. The files that failed run once more, each of them
 * whole, because a test may need what the tests before it in the same file left. Returns the exit code.
 */
export async function runTests(folder: string, env: NodeJS.ProcessEnv): Promise<number> {
  const dir = await mkdtemp(join(tmpdir(), 'natter-tests-'))
  try {
    const report = join(dir, 'report.json')
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
    const code = await run('vitest', ['run', '--root', folder, ...reporters], env)
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
  const text = await readFile(report, 'utf8').catch(() => undefined)
  if (text === undefined) return []
  const { testResults } = JSON.parse(text) as Report
  const failed = testResults.filter(({ status }) => status === 'failed')
  return [...new Set(failed.map(({ name }) => relative(folder, name)))]
}
