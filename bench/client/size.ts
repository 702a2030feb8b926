import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { buildClient, clientFolder } from '../../stack/install/client.ts'
import type { Figure } from './figures.ts'

type Chunks = Record<string, { file: string; imports?: string[]; css?: string[] }>

/**
 * Measures the entry script and the chat module that it always loads, with the static imports of both.
 */
export async function measureSize(): Promise<Figure[]> {
  await buildClient(console.error)
  const manifest = await readFile(join(clientFolder, '.vite', 'manifest.json'), 'utf8')
  const chunks: Chunks = JSON.parse(manifest)
  const names = new Set(['index.html', 'app/AuthenticatedApp.tsx'])
  for (const name of names) for (const imported of chunks[name]?.imports ?? []) names.add(imported)
  const initial = [...names].flatMap((name) => chunks[name] ?? [])
  const scripts = await sizeOf(initial.map(({ file }) => file))
  const styles = await sizeOf(initial.flatMap(({ css = [] }) => css))
  return [
    { name: 'JavaScript, gzip', unit: 'kB', values: [scripts], max: 120 },
    { name: 'styles, gzip', unit: 'kB', values: [styles] },
  ]
}

async function sizeOf(files: readonly string[]): Promise<number> {
  const contents = await Promise.all(files.map((file) => readFile(join(clientFolder, file))))
  return contents.reduce((sum, content) => sum + gzipSync(content, { level: 9 }).length, 0) / 1_000
}
