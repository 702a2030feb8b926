/** `npm run chaos -- --minutes N --seed S`: prints a verdict, and the seed to repeat it. */
import { parseArgs } from 'node:util'
import { findPostgres } from '../../stack/install/postgres.ts'
import { runChaos } from './run.ts'

const usage = `Usage: npm run chaos -- [--minutes N] [--seed S] [--people N] [--runtimes N] [--database postgres|pglite]

People use the whole system while parts of it are killed, paused and restarted. Then everything that
was acknowledged, stored, told and counted is compared. Exit code 0 when all is well, 1 when not.

  --minutes N    how long people go on; 5
  --seed S       a whole number, for the same people and the same faults again; a new one
  --people N     how many there are; 8
  --runtimes N   how many processes serve the functions; 3
  --database D   postgres or pglite; postgres`

const options = readOptions()
console.log(`Seed ${options.seed}, ${options.ms / 60_000} minutes, ${options.people} people`)
if (options.database === 'postgres') await findPostgres({ log: console.log })
const report = await runChaos({
  ...options,
  databaseAwayMs: Math.min(60_000, options.ms / 4),
  log: console.log,
})

const { heard, synced, rereads } = report.ways
console.log(
  `\n${report.acknowledged} messages acknowledged. Of the events that people know, ${heard} were told ` +
    `to them, ${synced} fetched by chat.sync; ${rereads} times a room was read anew.`,
)
console.log('\nAnswers')
for (const [what, count] of Object.entries(report.answers).toSorted())
  console.log(`  ${String(count).padStart(7)}  ${what}`)
console.log('\nFaults')
for (const [name, all] of Map.groupBy(report.faults, (fault) => fault))
  console.log(`  ${String(all.length).padStart(7)}  ${name}`)
console.log('\nVerdict')
for (const [check, wrong] of Object.entries(report.verdict)) {
  console.log(`  ${wrong.length === 0 ? 'holds' : 'FAILS'}  ${check}`)
  for (const line of wrong.slice(0, 20)) console.log(`           ${line}`)
  if (wrong.length > 20) console.log(`           and ${wrong.length - 20} more`)
}
const fails = Object.values(report.verdict).some((wrong) => wrong.length > 0)
if (report.dir) console.log(`\nThe logs and all that was found are in ${report.dir}`)
console.log(`\n${fails ? 'Something is wrong' : 'All is well'}. Repeat with --seed ${options.seed}`)
process.exitCode = fails ? 1 : 0

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        minutes: { type: 'string', default: '5' },
        seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
        people: { type: 'string', default: '8' },
        runtimes: { type: 'string', default: '3' },
        database: { type: 'string', default: 'postgres' },
        help: { type: 'boolean', default: false },
      },
    })
    if (values.help) {
      console.log(usage)
      process.exit(0)
    }
    const { database } = values
    if (database !== 'postgres' && database !== 'pglite')
      throw new Error(`--database is "${database}": say postgres or pglite`)
    return {
      database,
      ms: readNumber('minutes', values.minutes, 0.1, 1_400) * 60_000,
      seed: readWhole('seed', values.seed, 0, 2 ** 32 - 1),
      people: readWhole('people', values.people, 2, 100),
      runtimes: readWhole('runtimes', values.runtimes, 1, 10),
    } as const
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`)
    process.exit(1)
  }
}

function readNumber(name: string, value: string, least: number, most: number): number {
  const number = Number(value)
  if (value.trim() !== '' && number >= least && number <= most) return number
  throw new Error(`--${name} is "${value}": give a number from ${least} to ${most}`)
}

function readWhole(name: string, value: string, least: number, most: number): number {
  const number = readNumber(name, value, least, most)
  if (Number.isInteger(number)) return number
  throw new Error(`--${name} is "${value}": give a whole number`)
}
