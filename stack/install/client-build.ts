/** Builds the page and the components of the apps into a folder. */
import { join } from 'node:path'
import { build } from 'vite'
import { buildApps } from '../../client/build/appFiles.ts'
import { compressFiles } from './compress.ts'

const root = join(import.meta.dirname, '..', '..')
const [outDir] = process.argv.slice(2)
if (!outDir) throw new Error('Usage: client-build.ts FOLDER')

await build({
  configFile: join(root, 'client', 'vite.config.ts'),
  logLevel: 'error',
  build: { outDir },
})
await buildApps(join(root, 'apps'), join(outDir, 'apps'))
await compressFiles(outDir)
