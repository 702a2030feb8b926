/** Makes an empty database in the folder that its argument names, which must not be there yet. */
import { PGlite } from '@electric-sql/pglite'

const [dir] = process.argv.slice(2)
if (!dir) throw new Error('Which folder?')
await (await PGlite.create(dir)).close()
