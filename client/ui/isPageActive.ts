/** Also checks the focus, because a visible page may be behind another window. */
export function isPageActive(): boolean {
  return document.visibilityState === 'visible' && document.hasFocus()
}
