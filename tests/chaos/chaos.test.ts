import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { DatabaseKind } from '../support/servers.ts'
import { runChaos } from './run.ts'

const newSeed = Date.now() % 2 ** 31

describe('simulated users under injected faults', () => {
  it.each<[DatabaseKind, number, number]>([
    ['postgres', newSeed, 1],
    ['pglite', 7, 4],
  ])(
    'lose no acknowledged message and receive no event of a room that they may not read, on %s with seed %i and %i partitions',
    { timeout: 180_000 },
    async (database, seed, partitionCount) => {
      const report = await runChaos({
        seed,
        database,
        partitionCount,
        durationMs: 6_000,
        userCount: 5,
        databaseOutageMs: 1_500,
        faults: ['runtime killed', 'nats killed', 'message appended twice', 'database unavailable'],
      })

      const failing = Object.entries(report.verdict).filter(
        ([, violations]) => violations.length > 0,
      )
      expect(failing, `the evidence is in ${report.dir}`).toEqual([])
      expect(report.acknowledged).toBeGreaterThan(50)
      expect(report.faults).toEqual(expect.arrayContaining(['runtime killed', 'nats killed']))
      expect(report.deliveries.pushed).toBeGreaterThan(50)
      expect(report.deliveries.synced).toBeGreaterThan(10)
    },
  )
})

describe('npm run chaos', () => {
  const run = (...args: string[]) =>
    promisify(execFile)(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args]).then(
      ({ stdout }) => ({ code: 0, stdout, stderr: '' }),
      ({ code, stdout, stderr }: Record<'code' | 'stdout' | 'stderr', unknown>) => ({
        code,
        stdout,
        stderr,
      }),
    )

  it('prints its usage with --help', async () => {
    const { code, stdout } = await run('--help')
    expect(code).toBe(0)
    expect(stdout).toContain('--minutes N')
  })

  it.each([
    [['--minutes', 'long'], '--minutes is "long": give a number from 0.1 to 1400'],
    [['--minutes', '0'], '--minutes is "0": give a number from 0.1 to 1400'],
    [['--seed', '1.5'], '--seed is "1.5": give a whole number'],
    [['--people', '1'], '--people is "1": give a number from 2 to 100'],
    [['--database', 'oracle'], '--database is "oracle": give postgres or pglite'],
    [
      ['--soak', '--cluster'],
      '--soak injects no faults: leave out --freeze, --disk-full and --cluster',
    ],
    [
      ['--rolling', '--database', 'pglite'],
      '--rolling runs with PostgreSQL: leave out --soak, --disk-full and --database',
    ],
    [['--loud'], "Unknown option '--loud'"],
  ])('rejects the arguments %j', async (args, reason) => {
    const { code, stderr } = await run(...args)
    expect(code).toBe(1)
    expect(stderr).toContain(reason)
  })
})
