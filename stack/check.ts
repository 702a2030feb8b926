import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { run } from './run.ts'
import { scanSecrets } from './scan-secrets.ts'

// tsc divides the files among several checkers, which repeat part of each other's work: its default
// of four takes up to 60 % more processor time than one, and 50 % more memory.
const checkers = Math.min(4, Math.max(1, Math.floor(availableParallelism() / 2)))
const tsc = ['tsc', '--noEmit', '--checkers', String(checkers)] as const
const steps: [command: string, ...args: string[]][] = [
  ['biome', 'ci', '.'],
  [...tsc],
  [...tsc, '-p', 'client/tsconfig.json'],
  [...tsc, '-p', 'apps/tsconfig.json'],
  [...tsc, '-p', 'client/service-worker/tsconfig.json'],
]
const root = join(import.meta.dirname, '..')
// bench/ has packages of its own, which the first run of a benchmark installs. Without them, the
// types of bench/ cannot be checked.
if (existsSync(join(root, 'bench', 'node_modules'))) steps.push([...tsc, '-p', 'bench'])

export async function check(): Promise<number> {
  const codes: number[] = []
  for (const [command, ...args] of steps) codes.push(await run(command, args))
  codes.push(await checkSecrets())
  return codes.find((code) => code !== 0) ?? 0
}

async function checkSecrets(): Promise<number> {
  const found = await scanSecrets(root)
  if (found.length === 0) return 0
  const advice = `Remove the secret, and replace it wherever it is in use. If it is no secret, add the comment
secretlint-disable-line or secretlint-disable-next-line`
  console.error(`Files contain what looks like a secret:\n${found.join('\n')}\n${advice}`)
  return 1
}

if (import.meta.main) process.exitCode = await check()
