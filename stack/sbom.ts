import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { output } from './install/command.ts'

const root = join(import.meta.dirname, '..')

/** Writes the name, version, hash and licence of every package in package-lock.json, as CycloneDX. */
export async function writeSbom(file: string): Promise<void> {
  const args = ['--prefix', root, 'sbom', '--package-lock-only', '--sbom-format=cyclonedx']
  const script = process.env.npm_execpath
  const [command, before] = script?.endsWith('js') ? [process.execPath, [script]] : ['npm', []]
  const sbom = await output(command, [...before, ...args])
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, sbom)
}
