import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const parentWatch = pathToFileURL(join(import.meta.dirname, 'leash.mjs')).href

/** The arguments that run a script of ours in a child which ends when this process does. */
export function nodeArgs(script: string, ...args: string[]): string[] {
  return ['--import', parentWatch, script, ...args]
}
