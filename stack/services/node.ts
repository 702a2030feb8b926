import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const parentWatch = pathToFileURL(join(import.meta.dirname, 'parent-watch.mjs')).href

/** Returns the arguments that run a script in a child process which stops when this process exits. */
export function nodeArgs(script: string, ...args: string[]): string[] {
  return ['--import', parentWatch, script, ...args]
}
