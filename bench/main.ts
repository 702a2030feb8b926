import { parseArgs } from 'node:util'
import { installLibraries } from './libraries.ts'
import type { Options, Section } from './measure.ts'
import { printSection, printSummary, verdictOf } from './report.ts'

const usage =
  'Usage: npm run bench -- [call] [login] [send] [fanout] [history] [presence] [translate] [apps] [peers] [--rounds N] [--seconds S] [--quick] [--json]'

/** Imported on demand, because `installLibraries` must first install the libraries that they import. */
const sections: Record<string, () => Promise<(options: Options) => Promise<Section[]>>> = {
  call: async () => (await import('./call/section.ts')).measureCalls,
  login: async () => (await import('./login/section.ts')).measureLogins,
  send: async () => (await import('./send/section.ts')).measureSends,
  fanout: async () => (await import('./fanout/section.ts')).measureFanOut,
  history: async () => (await import('./history/section.ts')).measureHistory,
  presence: async () => (await import('./presence/section.ts')).measurePresence,
  translate: async () => (await import('./translate/section.ts')).measureTranslations,
  apps: async () => (await import('./apps/section.ts')).measureApps,
  peers: async () => (await import('./peers/section.ts')).measurePeers,
}

// `process.exit` runs the exit handlers, which kill the child processes.
process.on('SIGINT', () => process.exit(130)).on('SIGTERM', () => process.exit(143))

const { names, options, json } = readArguments()
await installLibraries()

const measured: Section[] = []
for (const name of names) {
  const measure = await sections[name]?.()
  if (!measure) continue
  const started = performance.now()
  for (const section of await measure(options)) {
    measured.push(section)
    if (!json) printSection(section)
  }
  console.error(`\n${name} took ${((performance.now() - started) / 1_000).toFixed(0)} s`)
}

if (json) console.log(JSON.stringify({ options, sections: measured.map(withVerdicts) }, null, 2))
else {
  const verdicts = measured.flatMap(({ lines }) => lines.flatMap((line) => verdictOf(line) ?? []))
  printSummary(verdicts)
}

function readArguments() {
  try {
    const { positionals, values } = parseArgs({
      allowPositionals: true,
      options: {
        rounds: { type: 'string' },
        seconds: { type: 'string' },
        quick: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    if (values.help) {
      console.log(usage)
      process.exit(0)
    }
    const unknown = positionals.filter((name) => !Object.hasOwn(sections, name))
    if (unknown.length > 0) throw new Error(`Unknown section "${unknown.join('", "')}"`)
    const options: Options = {
      rounds: readNumber('rounds', values.rounds, values.quick ? 2 : 5),
      seconds: readNumber('seconds', values.seconds, values.quick ? 0.2 : 0.7),
    }
    if (!Number.isInteger(options.rounds))
      throw new Error(`--rounds must be an integer, got ${options.rounds}`)
    const names =
      positionals.length > 0
        ? positionals
        : Object.keys(sections).filter((name) => name !== 'peers')
    return { names, options, json: values.json }
  } catch (error) {
    console.error(`${(error as Error).message}\n${usage}`)
    process.exit(2)
  }
}

function readNumber(name: string, value: string | undefined, preset: number) {
  if (value === undefined) return preset
  const number = Number(value)
  if (number > 0 && number <= 1_000) return number
  throw new Error(`--${name} must be a number above 0 and up to 1,000, got "${value}"`)
}

function withVerdicts({ title, lines }: Section) {
  return { title, lines: lines.map((line) => ({ ...line, verdict: verdictOf(line) })) }
}
