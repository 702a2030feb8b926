import { plainOf } from './plain.ts'
import type { Block } from './tree.ts'

const rightToLeft =
  /^[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u

/**
 * Returns the direction of nested blocks, which their first letter determines. `dir="auto"` would not
 * work: browsers skip descendants that have a `dir` of their own.
 */
export function directionOf(blocks: Block[]): 'ltr' | 'rtl' | 'auto' {
  const letter = /\p{L}/u.exec(plainOf(blocks))?.[0]
  if (letter === undefined) return 'auto'
  return rightToLeft.test(letter) ? 'rtl' : 'ltr'
}
