import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const parentWatch = pathToFileURL(join(import.meta.dirname, 'parent-watch.mjs')).href

export function nodeArgs(script: string, ...args: string[]): string[] {
  return ['--import', parentWatch, script, ...args]
}
