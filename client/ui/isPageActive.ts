/**
 * Whether somebody has the page before their eyes, as far as it can know: one that can be seen is not
 * looked at while somebody works in another window.
 */
export function isPageActive(): boolean {
  return document.visibilityState === 'visible' && document.hasFocus()
}
