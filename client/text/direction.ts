import { plainOf } from './plain.ts'
import type { Block } from './tree.ts'

const rightToLeft =
  /^[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u

/**
 * Returns the direction of the first letter in the blocks of a quote or list. `dir="auto"` on the
 * quote or list does not suffice: to choose its direction, browsers ignore descendants that have a
 * `dir` themselves, and most blocks have one.
 */
export function directionOf(blocks: Block[]): 'ltr' | 'rtl' | 'auto' {
  const letter = /\p{L}/u.exec(plainOf(blocks))?.[0]
  if (letter === undefined) return 'auto'
  return rightToLeft.test(letter) ? 'rtl' : 'ltr'
}
