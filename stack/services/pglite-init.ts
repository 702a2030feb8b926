import { PGlite } from '@electric-sql/pglite'

const [dir] = process.argv.slice(2)
if (!dir) throw new Error('Usage: pglite-init.ts FOLDER')
await (await PGlite.create(dir)).close()
