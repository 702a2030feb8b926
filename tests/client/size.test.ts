import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, it } from 'vitest'
import { enLater } from '../../client/i18n/enLater.ts'
import { buildClient, clientFolder } from '../../stack/install/client.ts'

const maxBytes = 120_000

interface Chunk {
  file: string
  isEntry?: boolean
  src?: string
  imports?: string[]
}

let chunks: Record<string, Chunk>

beforeAll(async () => {
  await buildClient()
  chunks = JSON.parse(await readFile(join(clientFolder, '.vite', 'manifest.json'), 'utf8'))
}, 60_000)

/**
 * Returns the files that the page loads first: those of `index.html` and `AuthenticatedApp`, with
 * their static imports.
 */
function firstFiles(): string[] {
  const files = new Set<string>()
  const visit = (name: string) => {
    const chunk = chunks[name]
    if (!chunk || files.has(chunk.file)) return
    files.add(chunk.file)
    for (const imported of chunk.imports ?? []) visit(imported)
  }
  visit('index.html')
  visit('app/AuthenticatedApp.tsx')
  return [...files]
}

function read(file: string): Promise<string> {
  return readFile(join(clientFolder, file), 'utf8')
}

describe('the first load of the page', () => {
  it('transfers at most 120 kB of JavaScript, gzipped', async () => {
    const parts = await Promise.all(
      firstFiles().map(async (file) => ({
        file,
        size: gzipSync(await read(file), { level: 9 }).length,
      })),
    )

    const bytes = parts.reduce((sum, { size }) => sum + size, 0)
    const largest = parts.toSorted((a, b) => b.size - a.size).slice(0, 5)
    const what = largest.map(({ file, size }) => `${file}: ${size}`).join(', ')
    expect(bytes, what).toBeGreaterThan(50_000)
    expect(bytes, `the largest parts are ${what}`).toBeLessThanOrEqual(maxBytes)
  })

  it('preloads each of its files with a link in the HTML', async () => {
    const page = await read('index.html')

    for (const file of firstFiles()) expect(page).toContain(file)
  })

  it('contains no definitions of database tables, no server code and no code for signing keys', async () => {
    const all = (await Promise.all(firstFiles().map(read))).join('\n')

    for (const foreign of ['drizzle', 'pgTable', 'node:', 'crypto_sign', 'CREATE TABLE'])
      expect(all).not.toContain(foreign)
  })

  it('uses none of the English texts that are loaded only later', async () => {
    const all = (await Promise.all(firstFiles().map(read))).join('\n')
    const keys = Object.entries(enLater).flatMap(([part, texts]) =>
      Object.keys(texts).map((key) => `${part}.${key}`),
    )

    expect(keys.filter((key) => new RegExp(`['"\`]${key}['"\`]`).test(all))).toEqual([])
  })

  it('does not contain dialogs, menus and grammars, which load on demand', () => {
    const lazy = Object.values(chunks).filter(({ file }) => !firstFiles().includes(file))

    const names = lazy.map(({ file }) => file).join('\n')
    for (const part of [
      'SettingsDialog',
      'QuickSwitcher',
      'MembersPanel',
      'MessageMenu',
      'grammars',
    ])
      expect(names).toContain(part)
  })
})
