/** `npm run check`: layout and lint, then types. All that CI asks of a file before running it. */
import { run } from './run.ts'

const steps: [command: string, ...args: string[]][] = [
  ['biome', 'ci', '.'],
  ['tsc', '--noEmit'],
  ['tsc', '--noEmit', '-p', 'client/tsconfig.json'],
  ['tsc', '--noEmit', '-p', 'client/service-worker/tsconfig.json'],
]

/** Runs every step, whatever the one before said. Returns the first exit code that is not 0. */
export async function check(): Promise<number> {
  const codes: number[] = []
  for (const [command, ...args] of steps) codes.push(await run(command, args))
  return codes.find((code) => code !== 0) ?? 0
}

if (import.meta.main) process.exitCode = await check()
