import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, it } from 'vitest'
import { buildClient, clientFolder } from '../../stack/install/client.ts'

const mostBytes = 120_000

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

/** What the page loads before it can show the chat: the entry, the chat, and all they import outright. */
function firstFiles(): string[] {
  const found = new Set<string>()
  const visit = (name: string) => {
    const chunk = chunks[name]
    if (!chunk || found.has(chunk.file)) return
    found.add(chunk.file)
    for (const imported of chunk.imports ?? []) visit(imported)
  }
  visit('index.html')
  visit('app/AuthenticatedApp.tsx')
  return [...found]
}

function read(file: string): Promise<string> {
  return readFile(join(clientFolder, file), 'utf8')
}

describe('what a browser loads first', () => {
  it('is 120 kB of JavaScript at most, as it comes over the wire', async () => {
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
    expect(bytes, `the largest parts are ${what}`).toBeLessThanOrEqual(mostBytes)
  })

  it('is named by the page, so that nothing waits to be found', async () => {
    const page = await read('index.html')

    for (const file of firstFiles()) expect(page).toContain(file)
  })

  it('has no table, no server and no signing keys in it', async () => {
    const all = (await Promise.all(firstFiles().map(read))).join('\n')

    for (const foreign of ['drizzle', 'pgTable', 'node:', 'crypto_sign', 'CREATE TABLE'])
      expect(all).not.toContain(foreign)
  })

  it('leaves dialogs, menus and grammars for later', () => {
    const later = Object.values(chunks).filter(({ file }) => !firstFiles().includes(file))

    const names = later.map(({ file }) => file).join('\n')
    for (const part of ['SettingsDialog', 'Switcher', 'MembersPanel', 'MessageMenu', 'grammars'])
      expect(names).toContain(part)
  })
})
