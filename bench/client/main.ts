/** `npm run bench:client`, see ../README.md. */
import { parseArgs } from 'node:util'
import { installLibraries } from '../libraries.ts'
import { printSummary } from '../report.ts'
import { measureApps } from './apps.ts'
import { measureBoot } from './boot.ts'
import { type Figure, printFigures, verdictOf } from './figures.ts'
import { measurePaging } from './paging.ts'
import { startProduct } from './product.ts'
import { measureScroll } from './scroll.ts'
import { measureSize } from './size.ts'

const usage =
  'Usage: npm run bench:client -- [size] [boot] [paging] [scroll] [apps] [--rounds N] [--quick] [--check] [--json]'

interface Options {
  rounds: number
  isQuick: boolean
}

const sections: Record<
  string,
  { title: string; measure: (options: Options) => Promise<Figure[]> }
> = {
  size: { title: 'Size of the initial download', measure: measureSize },
  boot: {
    title: 'From opening the page until the first message is visible',
    measure: ({ rounds }) => withProduct((product) => measureBoot(product, Math.max(rounds, 5))),
  },
  paging: {
    title: 'Paging through a room: unexpected shift of the rows',
    measure: ({ rounds, isQuick }) =>
      withProduct((product) => measurePaging(product, isQuick ? 1 : rounds, isQuick ? 5 : 20)),
  },
  scroll: {
    title: 'A room of 100,000 messages',
    async measure({ rounds, isQuick }) {
      await installLibraries()
      return measureScroll(rounds, isQuick ? 40 : 150)
    },
  },
  apps: {
    title: 'From the click until an app is ready',
    measure: ({ rounds }) => withProduct((product) => measureApps(product, Math.max(rounds, 5))),
  },
}

process.on('SIGINT', () => process.exit(130)).on('SIGTERM', () => process.exit(143))

const { names, options, json, check } = readArguments()
const measured: Record<string, Figure[]> = {}
for (const name of names) {
  const section = sections[name]
  if (!section) continue
  const figures = await section.measure(options)
  measured[name] = figures
  if (!json) printFigures(section.title, figures)
}
const verdicts = Object.values(measured)
  .flat()
  .flatMap((figure) => verdictOf(figure) ?? [])
if (json) {
  const withVerdict = (figure: Figure) => ({ ...figure, verdict: verdictOf(figure) })
  const all = Object.entries(measured).map(([name, figures]) => [name, figures.map(withVerdict)])
  console.log(JSON.stringify({ options, ...Object.fromEntries(all) }, null, 2))
} else printSummary(verdicts)
if (check && verdicts.includes('missed')) process.exitCode = 1

function readArguments() {
  try {
    const { positionals, values } = parseArgs({
      allowPositionals: true,
      options: {
        rounds: { type: 'string' },
        quick: { type: 'boolean', default: false },
        check: { type: 'boolean', default: false },
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
    const rounds = Number(values.rounds ?? (values.quick ? 1 : 5))
    if (!Number.isInteger(rounds) || rounds < 1 || rounds > 100)
      throw new Error(`--rounds must be an integer from 1 to 100, got "${values.rounds}"`)
    const names = positionals.length > 0 ? positionals : Object.keys(sections)
    return { names, options: { rounds, isQuick: values.quick }, ...values }
  } catch (error) {
    console.error(`${(error as Error).message}\n${usage}`)
    process.exit(2)
  }
}

async function withProduct<T>(
  measure: (product: Awaited<ReturnType<typeof startProduct>>) => Promise<T>,
) {
  await using product = await startProduct()
  return await measure(product)
}
