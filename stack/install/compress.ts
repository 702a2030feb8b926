import { globSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'

/** Images are compressed in themselves. */
const compressible = '**/*.{js,css,html,svg,json,webmanifest}'
/** Below this a packet is a packet. */
const minBytes = 512

/** Puts `name.br` and `name.gz` beside each file that gets smaller by it: as small as they can be made. */
export async function compressFiles(folder: string): Promise<void> {
  await Promise.all(
    globSync(compressible, { cwd: folder }).map(async (name) => {
      const file = join(folder, name)
      const content = await readFile(file)
      if (content.length < minBytes) return
      const [br, gz] = await Promise.all([
        promisify(brotliCompress)(content, {
          params: { [constants.BROTLI_PARAM_SIZE_HINT]: content.length },
        }),
        promisify(gzip)(content, { level: constants.Z_BEST_COMPRESSION }),
      ])
      if (br.length < content.length) await writeFile(`${file}.br`, br)
      if (gz.length < content.length) await writeFile(`${file}.gz`, gz)
    }),
  )
}
