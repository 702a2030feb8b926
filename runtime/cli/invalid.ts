import type { InvalidAnswer } from './discovery.ts'
import { print } from './output.ts'

/** Shows the answers that are not as the protocol has them; other tools drop these in silence. */
export function printInvalid(invalid: readonly InvalidAnswer[]): void {
  for (const { name, id, problems, answer } of invalid) {
    const who = [name, id].filter(Boolean).join(' ') || JSON.stringify(answer).slice(0, 80)
    print(`invalid answer: ${who}: ${problems.join('; ')}`)
  }
}
