import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { output } from '../stack/install/command.ts'

const folder = import.meta.dirname

/**
 * Those that are measured beside what is ours. Not `npm ci`, which fails where a registry lacks a
 * platform. Ends the process if they cannot be had.
 */
export async function installPeers(): Promise<void> {
  const { devDependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const names = Object.keys(devDependencies)
  if (names.every((name) => existsSync(join(folder, 'node_modules', name)))) return
  console.error('Installing the peers …')
  const flags = ['--no-save', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error']
  try {
    await output('npm', ['install', '--prefix', folder, ...flags])
  } catch (error) {
    console.error(`The peers could not be installed: ${(error as Error).message}`)
    process.exit(1)
  }
}
