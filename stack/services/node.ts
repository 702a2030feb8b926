import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const parentWatch = pathToFileURL(join(import.meta.dirname, 'parent-watch.mjs')).href

/** Returns the arguments for a child process that runs a script and stops when this process exits. */
export function nodeArgs(script: string, ...args: string[]): string[] {
  return ['--import', parentWatch, script, ...args]
}
