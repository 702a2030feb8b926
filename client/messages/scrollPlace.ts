import type { VListHandle } from 'virtua/solid'

type View = Pick<
  VListHandle,
  'scrollOffset' | 'viewportSize' | 'findItemIndex' | 'getItemOffset' | 'getItemSize'
>

export interface ScrollPlace {
  offset: number
  /** The row at the lower edge of the view: 12.5 is the middle of the row with index 12. */
  row: number
}

export const listStart: ScrollPlace = { offset: 0, row: 0 }

export function placeOf(view: View): ScrollPlace {
  const { scrollOffset: offset, viewportSize } = view
  const edge = offset + viewportSize
  const index = view.findItemIndex(edge)
  const row = index + (edge - view.getItemOffset(index)) / (view.getItemSize(index) || 1)
  return { offset, row }
}

/**
 * The offset also decreases when rows turn out smaller than estimated. So the user has scrolled up
 * only if the row has decreased as well.
 */
export function hasMovedUp(before: ScrollPlace, now: ScrollPlace): boolean {
  return now.offset < before.offset && now.row < before.row
}
