import { run } from './run.ts'

const steps: [command: string, ...args: string[]][] = [
  ['biome', 'ci', '.'],
  ['tsc', '--noEmit'],
  ['tsc', '--noEmit', '-p', 'client/tsconfig.json'],
  ['tsc', '--noEmit', '-p', 'apps/tsconfig.json'],
  ['tsc', '--noEmit', '-p', 'client/service-worker/tsconfig.json'],
]

export async function check(): Promise<number> {
  const codes: number[] = []
  for (const [command, ...args] of steps) codes.push(await run(command, args))
  return codes.find((code) => code !== 0) ?? 0
}

if (import.meta.main) process.exitCode = await check()
