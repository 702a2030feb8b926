/**
 * `npm run chaos`: prints the verdict of a run, and the seed with which the run can be repeated.
 */
import { inspect, parseArgs } from 'node:util'
import { findPostgres } from '../../stack/install/postgres.ts'
import { canMount } from '../support/small-disk.ts'
import { runRolling } from './rolling.ts'
import { runChaos } from './run.ts'
import { runSoak } from './soak.ts'

const usage = `Usage: npm run chaos -- [--minutes N] [--seed S] [--people N] [--runtimes N] [--database postgres|pglite]
                         [--partitions N] [--freeze] [--disk-full] [--cluster] | --rolling [--freeze] | --soak

Runs simulated users against the whole system while its processes are killed, paused and restarted.
Then checks that the log, the database, the live index, the counts and each user's view agree, and that
no acknowledged change is lost. The exit code is 0 when all checks pass, and 1 otherwise.

  --minutes N    duration of the load with faults (default: 5)
  --seed S       a whole number that repeats the operations and faults of a run (default: a new seed)
  --people N     number of simulated users (default: 8)
  --runtimes N   number of runtime processes (default: 3)
  --database D   postgres or pglite (default: postgres)
  --partitions N number of partitions of CHAT_MESSAGES and ROOMS_KV (default: 1)
  --freeze       also freezes processes until they are replaced because they give no sign of life
  --disk-full    also fills the disk of nats-server and of PGlite (Linux, as root)
  --cluster      runs three nats-servers, which are killed, paused and restarted one at a time
  --rolling      instead restarts the servers and runtimes of a cluster one after the other at 100 messages a second,
                 and prints the longest times without an acknowledgement. With --freeze, also freezes each server
                 for a minute
  --soak         instead sends 2,000 messages a second without faults, for ten minutes by default,
                 and checks that no process grows (Linux)`

const options = readOptions()
if (options.database === 'postgres') await findPostgres({ log: console.log })
const run = options.isSoak ? soak : options.isRolling ? roll : injectFaults
const verdict = await run().catch((error) => {
  // Node itself does not print the cause of an error that was suppressed by another error.
  console.error(inspect(error, { depth: 8 }))
  process.exit(1)
})

console.log('\nVerdict')
for (const [check, violations] of Object.entries(verdict)) {
  console.log(`  ${violations.length === 0 ? 'passes' : 'FAILS '}  ${check}`)
  for (const line of violations.slice(0, 20)) console.log(`            ${line}`)
  if (violations.length > 20) console.log(`            and ${violations.length - 20} more`)
}
const fails = Object.values(verdict).some((violations) => violations.length > 0)
console.log(`\n${fails ? 'Some checks fail' : 'All checks pass'}`)
process.exitCode = fails ? 1 : 0

async function soak() {
  const report = await runSoak({ ...options, log: console.log })
  console.log(`\n${report.acknowledged} messages acknowledged`)
  return report.verdict
}

async function roll() {
  const freezes = options.additions.includes('freeze')
  const { acknowledged, reads, measured, verdict } = await runRolling({
    ...options,
    freezes,
    log: console.log,
  })
  console.log(`\n${acknowledged} messages acknowledged, ${reads} times read after one\n\nLongest`)
  for (const { name, seconds, bar } of measured) {
    const judgement = bar === undefined ? '' : `  ≤ ${bar} s ${seconds <= bar ? 'met' : 'missed'}`
    console.log(`  ${seconds.toFixed(2).padStart(7)} s  ${name}${judgement}`)
  }
  return verdict
}

async function injectFaults() {
  const { seed, durationMs, userCount } = options
  console.log(`Seed ${seed}, ${durationMs / 60_000} minutes, ${userCount} simulated users`)
  const report = await runChaos({
    ...options,
    databaseOutageMs: Math.min(60_000, durationMs / 4),
    log: console.log,
  })

  const { pushed, synced, reloads } = report.deliveries
  console.log(
    `\n${report.acknowledged} messages acknowledged. The users received ${pushed} events as pushes and ` +
      `${synced} events from chat.sync, and reloaded a room ${reloads} times.`,
  )
  console.log('\nAnswers')
  for (const [answer, count] of Object.entries(report.answers).toSorted())
    console.log(`  ${String(count).padStart(7)}  ${answer}`)
  console.log('\nFaults')
  for (const [name, all] of Map.groupBy(report.faults, (fault) => fault))
    console.log(`  ${String(all.length).padStart(7)}  ${name}`)
  if (report.dir) console.log(`\nThe logs and the evidence are in ${report.dir}`)
  console.log(`\nRepeat with --seed ${seed}`)
  return report.verdict
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        minutes: { type: 'string' },
        seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
        people: { type: 'string', default: '8' },
        runtimes: { type: 'string', default: '3' },
        database: { type: 'string', default: 'postgres' },
        partitions: { type: 'string', default: '1' },
        freeze: { type: 'boolean', default: false },
        'disk-full': { type: 'boolean', default: false },
        cluster: { type: 'boolean', default: false },
        rolling: { type: 'boolean', default: false },
        soak: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    if (values.help) {
      console.log(usage)
      process.exit(0)
    }
    const { database, minutes = values.soak ? '10' : '5' } = values
    if (database !== 'postgres' && database !== 'pglite')
      throw new Error(`--database is "${database}": give postgres or pglite`)
    if (values['disk-full'] && !canMount)
      throw new Error('--disk-full mounts a file system: run it as root on Linux')
    if (values.soak && (values.freeze || values['disk-full'] || values.cluster))
      throw new Error('--soak injects no faults: leave out --freeze, --disk-full and --cluster')
    if (values.rolling && (values.soak || values['disk-full'] || database !== 'postgres'))
      throw new Error(
        '--rolling runs with PostgreSQL: leave out --soak, --disk-full and --database',
      )
    if (values.cluster && values['disk-full'])
      throw new Error('--disk-full fills the disk of a single server: leave out --cluster')
    return {
      isSoak: values.soak,
      isRolling: values.rolling,
      database,
      additions: (['freeze', 'disk-full', 'cluster'] as const).filter((name) => values[name]),
      durationMs: readNumber('minutes', minutes, 0.1, 1_400) * 60_000,
      seed: readInteger('seed', values.seed, 0, 2 ** 32 - 1),
      userCount: readInteger('people', values.people, 2, 100),
      runtimeCount: readInteger('runtimes', values.runtimes, 1, 10),
      partitionCount: readInteger('partitions', values.partitions, 1, 32),
    } as const
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`)
    process.exit(1)
  }
}

function readNumber(name: string, value: string, min: number, max: number): number {
  const number = Number(value)
  if (value.trim() !== '' && number >= min && number <= max) return number
  throw new Error(`--${name} is "${value}": give a number from ${min} to ${max}`)
}

function readInteger(name: string, value: string, min: number, max: number): number {
  const number = readNumber(name, value, min, max)
  if (Number.isInteger(number)) return number
  throw new Error(`--${name} is "${value}": give a whole number`)
}
