/** `npm run observability`: writes alerts for Prometheus and dashboards for Grafana. */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { LoadError } from '../../runtime/server/load.ts'
import { createFiles } from './files.ts'
import { readFunctions } from './functions.ts'

const root = join(import.meta.dirname, '..', '..')
const usage = `Usage: npm run observability -- [FOLDERS] [--out FOLDER] [--runbooks URL]

Writes alerts for Prometheus and dashboards for Grafana from the functions in FOLDERS (default: functions apps).

  --out FOLDER     where to write them (default: deploy/observability)
  --runbooks URL   address of the runbooks to which the alerts link`

process.exitCode = await main()

async function main(): Promise<number> {
  const options = readOptions()
  if (!options) return 2
  try {
    const functions = await readFunctions(options.folders)
    for (const [name, content] of createFiles(functions, options.runbooks)) {
      const file = join(options.out, name)
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, content)
      console.log(relative(process.cwd(), file))
    }
    return 0
  } catch (error) {
    if (!(error instanceof LoadError)) throw error
    console.error(error.message)
    return 1
  }
}

function readOptions() {
  try {
    const { positionals, values } = parseArgs({
      allowPositionals: true,
      options: {
        out: { type: 'string' },
        runbooks: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    })
    if (values.help) {
      console.log(usage)
      process.exit(0)
    }
    const folders = positionals.length > 0 ? positionals : ['functions', 'apps']
    return {
      folders: folders.map((folder) => resolve(folder)),
      out: values.out === undefined ? join(root, 'deploy', 'observability') : resolve(values.out),
      runbooks: values.runbooks,
    }
  } catch (error) {
    console.error(`${(error as Error).message}\n${usage}`)
    return undefined
  }
}
