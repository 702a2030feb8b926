/**
 * `npm run bench:client`: measures the web client in a real Chromium.
 *
 *     npm run bench:client -- [size] [boot] [paging] [scroll] [--rounds N] [--quick] [--json]
 *
 * Says what was found and whether it is what it should be. The exit code says nothing about that.
 */
import { parseArgs } from 'node:util'
import { installPeers } from '../peers.ts'
import { measureBoot } from './boot.ts'
import { type Figure, printFigures, verdictOf } from './figures.ts'
import { measurePaging } from './paging.ts'
import { startProduct } from './product.ts'
import { measureScroll } from './scroll.ts'
import { measureSize } from './size.ts'

const usage =
  'Usage: npm run bench:client -- [size] [boot] [paging] [scroll] [--rounds N] [--quick] [--check] [--json]'

interface Options {
  rounds: number
  isQuick: boolean
}

const sections: Record<
  string,
  { title: string; measure: (options: Options) => Promise<Figure[]> }
> = {
  size: { title: 'What is loaded first', measure: measureSize },
  boot: {
    title: 'From opening the page until a message is seen',
    measure: ({ rounds }) => withProduct((product) => measureBoot(product, Math.max(rounds, 5))),
  },
  paging: {
    title: 'Going through a room, page by page',
    measure: ({ rounds, isQuick }) =>
      withProduct((product) => measurePaging(product, isQuick ? 1 : rounds, isQuick ? 5 : 20)),
  },
  scroll: {
    title: 'A room of 100,000 messages',
    async measure({ rounds, isQuick }) {
      await installPeers()
      return measureScroll(rounds, isQuick ? 40 : 150)
    },
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
const verdicts = Object.values(measured).flat().map(verdictOf).filter(Boolean)
if (json) {
  const withVerdict = (figure: Figure) => ({ ...figure, verdict: verdictOf(figure) || undefined })
  const all = Object.entries(measured).map(([name, figures]) => [name, figures.map(withVerdict)])
  console.log(JSON.stringify({ options, ...Object.fromEntries(all) }, null, 2))
} else {
  const count = (wanted: string) => verdicts.filter((verdict) => verdict === wanted).length
  console.log(
    `\n${verdicts.length} goals: ${count('met')} met, ${count('within 15 %')} within 15 %, ` +
      `${count('missed')} missed`,
  )
}
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
        help: { type: 'boolean', default: false },
      },
    })
    if (values.help) {
      console.log(usage)
      process.exit(0)
    }
    const unknown = positionals.filter((name) => !Object.hasOwn(sections, name))
    if (unknown.length > 0) throw new Error(`There is no section "${unknown.join('", "')}"`)
    const rounds = Number(values.rounds ?? (values.quick ? 1 : 5))
    if (!Number.isInteger(rounds) || rounds < 1 || rounds > 100)
      throw new Error(`--rounds is "${values.rounds}": give a whole number from 1 to 100`)
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
