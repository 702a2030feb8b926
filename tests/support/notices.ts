import { expect } from 'vitest'
import type { Notice } from '#schema/messages/event'

/** Expects the field `prev` of each notice to be the sequence of the notice before it. */
export function expectChain(notices: readonly Pick<Notice, 'seq' | 'prev'>[]): void {
  expect(notices.slice(1).map(({ prev }) => prev)).toEqual(
    notices.slice(0, -1).map(({ seq }) => seq),
  )
}
