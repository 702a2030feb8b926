import { plainOf } from './plain.ts'
import type { Block } from './tree.ts'

const rightToLeft =
  /^[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u

/**
 * Which way text runs that stands in blocks of its own, by its first letter. A browser that is to find
 * out passes over whatever finds out for itself, and so finds nothing.
 */
export function directionOf(blocks: Block[]): 'ltr' | 'rtl' | 'auto' {
  const letter = /\p{L}/u.exec(plainOf(blocks))?.[0]
  if (letter === undefined) return 'auto'
  return rightToLeft.test(letter) ? 'rtl' : 'ltr'
}
