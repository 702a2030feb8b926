import { createHash } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Plugin } from 'vite'

export function workerFiles(): Plugin {
  let publicDir = ''
  return {
    name: 'worker-files',
    enforce: 'post',
    configResolved(config) {
      publicDir = config.publicDir
    },
    generateBundle: {
      order: 'post',
      handler(_options, bundle) {
        const worker = bundle['worker.js']
        if (worker?.type !== 'chunk') throw new Error('The bundle has no worker.js')
        const digest = createHash('sha256')
        const files: string[] = []
        const add = (name: string, content: string | Uint8Array) => {
          files.push(name === 'index.html' ? '/' : `/${name}`)
          digest.update(name).update('\0').update(content)
        }
        for (const file of Object.values(bundle)) {
          if (file === worker || file.fileName.startsWith('.')) continue
          add(file.fileName, file.type === 'chunk' ? file.code : file.source)
        }
        for (const name of globSync('**/*.*', { cwd: publicDir }).sort())
          add(name.replaceAll('\\', '/'), readFileSync(join(publicDir, name)))
        worker.code = worker.code
          .replaceAll('__FILES__', JSON.stringify(files))
          .replaceAll('__VERSION__', JSON.stringify(digest.digest('hex').slice(0, 12)))
      },
    },
  }
}
