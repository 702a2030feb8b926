import { describe, expect, it } from 'vitest'
import { hasMovedUp, placeOf } from '../../client/messages/scrollPlace.ts'

const viewportSize = 586

/** Returns the scroll place in a list whose rows all have the height `rowHeight`. */
const place = (rows: number, rowHeight: number, scrollOffset: number) =>
  placeOf({
    scrollOffset,
    viewportSize,
    findItemIndex: (offset) => Math.min(Math.floor(offset / rowHeight), rows - 1),
    getItemOffset: (index) => index * rowHeight,
    getItemSize: () => rowHeight,
  })

describe('hasMovedUp', () => {
  it('returns false when rows turn out smaller than estimated while new ones arrive', () => {
    expect(hasMovedUp(place(47, 40, 1019), place(53, 28, 876))).toBe(false)
  })

  it('returns false when rows turn out smaller, so that the end of the list comes into view', () => {
    expect(hasMovedUp(place(40, 40, 1014), place(40, 28, 534))).toBe(false)
  })

  it.each([50, 5])('returns true when the user scrolls up by %i pixels', (pixels) => {
    expect(hasMovedUp(place(53, 28, 876), place(53, 28, 876 - pixels))).toBe(true)
  })

  it('returns true when the user scrolls up within a row that is higher than the view', () => {
    expect(hasMovedUp(place(3, 900, 2100), place(3, 900, 2000))).toBe(true)
  })

  it('returns false when the user scrolls down', () => {
    expect(hasMovedUp(place(53, 28, 300), place(53, 28, 876))).toBe(false)
  })
})
