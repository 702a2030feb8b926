import { expect } from 'vitest'
import type { Notice } from '#schema/messages/event'

export function expectChain(notices: readonly Pick<Notice, 'seq' | 'prev'>[]): void {
  expect(notices.slice(1).map(({ prev }) => prev)).toEqual(
    notices.slice(0, -1).map(({ seq }) => seq),
  )
}
