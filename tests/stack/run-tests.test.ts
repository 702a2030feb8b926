import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { run } from '../support/command-line.ts'

const root = join(import.meta.dirname, '..', '..')

const passing = `test('passes', () => {})`
const brokenOnce = `
let count = 0
test('leaves something to the next test', () => { count++ })
test('passes in the second run', () => {
  expect(count).toBe(1)
  const isFirst = !existsSync(import.meta.dirname + '/ran')
  writeFileSync(import.meta.dirname + '/ran', '')
  expect(isFirst).toBe(false)
})`
const broken = `test('never passes', () => expect(1).toBe(2))`
const unhandled = `test('leaves a rejection', () => { void Promise.reject(new Error('left behind')) })`

/**
 * Runs the given test files with `runTests`, as CI does. Returns its exit code and stderr, and how
 * often each file ran.
 */
async function runFiles(files: Record<string, string>) {
  const dir = await mkdtemp(join(tmpdir(), 'natter-run-tests-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  await symlink(join(root, 'node_modules'), join(dir, 'node_modules'))
  await writeFile(join(dir, 'package.json'), '{ "type": "module" }')
  await writeFile(join(dir, 'vitest.config.ts'), 'export default {}')
  for (const [name, tests] of Object.entries(files)) {
    const imports = `import { existsSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
console.log('running ${name}')`
    await writeFile(join(dir, `${name}.test.ts`), `${imports}\n${tests}`)
  }
  const script = `import { runTests } from '${join(root, 'stack', 'run-tests.ts')}'
process.exitCode = await runTests(process.argv[1], process.env)`
  const PATH = `${join(root, 'node_modules', '.bin')}:${process.env.PATH}`
  const args = ['--input-type=module', '--eval', script, dir]
  const { code, stdout, stderr } = await run(process.execPath, args, { env: { PATH, CI: 'true' } })
  const ran = Object.keys(files).map((name) => stdout.split(`running ${name}\n`).length - 1)
  return { code, ran, stderr }
}

describe('the test run in CI', { timeout: 180_000 }, () => {
  it('repeats only the failed files, each completely, and names those that then pass', async () => {
    const { code, ran, stderr } = await runFiles({ passing, brokenOnce })
    expect(ran).toEqual([1, 2])
    expect(code).toBe(0)
    expect(stderr).toContain(
      'These test files failed at first and passed when repeated. Fix them:\n  brokenOnce.test.ts',
    )
  })

  it('fails if a file fails twice', async () => {
    const { code, ran, stderr } = await runFiles({ broken, brokenOnce })
    expect(ran).toEqual([2, 2])
    expect(code).toBe(1)
    expect(stderr).not.toContain('passed when repeated')
  })

  it('fails after an unhandled error, without repeating a file', async () => {
    const { code, ran } = await runFiles({ brokenOnce, unhandled })
    expect(ran).toEqual([1, 1])
    expect(code).toBe(1)
  })
})
