import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { output } from '../stack/install/command.ts'

const folder = import.meta.dirname

/**
 * Installs the packages of bench/ if some are missing. Uses `npm install`, because `npm ci` fails
 * if the registry lacks any package, even one for another platform.
 */
export async function installLibraries(): Promise<void> {
  const { devDependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const names = Object.keys(devDependencies)
  if (names.every((name) => existsSync(join(folder, 'node_modules', name)))) return
  console.error('Installing the libraries …')
  const flags = ['--no-save', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error']
  try {
    await output('npm', ['install', '--prefix', folder, ...flags])
  } catch (error) {
    console.error(`Cannot install the libraries: ${(error as Error).message}`)
    process.exit(1)
  }
}
