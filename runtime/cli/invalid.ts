import type { InvalidAnswer } from './discovery.ts'
import { print } from './output.ts'

export function printInvalid(invalid: readonly InvalidAnswer[]): void {
  for (const { name, id, problems, answer } of invalid) {
    const sender = [name, id].filter(Boolean).join(' ') || JSON.stringify(answer).slice(0, 80)
    print(`invalid answer: ${sender}: ${problems.join('; ')}`)
  }
}
