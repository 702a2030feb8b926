import { readdirSync, readFileSync } from 'node:fs'
import { join, matchesGlob, relative } from 'node:path'
import { lintSource } from '@secretlint/core'
import { creator } from '@secretlint/secretlint-rule-preset-recommend'

const config = { rules: [{ id: '@secretlint/secretlint-rule-preset-recommend', rule: creator }] }
const nkeySeed = /\bS[ACNOUX][A-Z2-7]{56}\b/
const binary = ['*.gz', '*.ico', '*.png', '*.woff2']

/**
 * Returns file, line and kind of each secret in the files of a project. Skips binary files, and
 * files that the project's .gitignore excludes.
 */
export async function scanSecrets(root: string): Promise<string[]> {
  const found: string[] = []
  for (const path of filesOf(root, excludedIn(root))) {
    const file = relative(root, path)
    const content = readFileSync(path, 'utf8')
    const source = { filePath: path, content, contentType: 'text' } as const
    const { messages } = await lintSource({ source, options: { config, maskSecrets: true } })
    for (const { loc, message } of messages) found.push(`${file}:${loc.start.line}: ${message}`)
    for (const [index, line] of content.split('\n').entries())
      if (nkeySeed.test(line)) found.push(`${file}:${index + 1}: found the seed of an nkey`)
  }
  return found
}

/**
 * Returns patterns of the names of files and folders that are not scanned. Uses each line of
 * .gitignore as such a pattern, because the .gitignore of this project contains no paths.
 */
function excludedIn(root: string): string[] {
  const lines = readFileSync(join(root, '.gitignore'), 'utf8').split('\n')
  return ['.git', ...binary, ...lines.filter(Boolean).map((line) => line.replace(/\/$/, ''))]
}

function* filesOf(folder: string, excluded: string[]): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (excluded.some((pattern) => matchesGlob(entry.name, pattern))) continue
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* filesOf(path, excluded)
    else if (entry.isFile()) yield path
  }
}
