import { plainOf } from './plain.ts'
import type { Block } from './tree.ts'

const rightToLeft =
  /^[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u

/**
 * Returns the direction of the first letter in the blocks. `dir="auto"` on their parent would not
 * find it, because browsers skip descendants that have a `dir` of their own.
 */
export function directionOf(blocks: Block[]): 'ltr' | 'rtl' | 'auto' {
  const letter = /\p{L}/u.exec(plainOf(blocks))?.[0]
  if (letter === undefined) return 'auto'
  return rightToLeft.test(letter) ? 'rtl' : 'ltr'
}
