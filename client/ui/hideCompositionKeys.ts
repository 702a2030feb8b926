/**
 * Hides the keys of an input method from the page: these keys choose characters, so they must not
 * send, pick or close anything. Only `window` listeners that were added earlier, in the capture
 * phase, still receive them.
 */
export function hideCompositionKeys() {
  window.addEventListener(
    'keydown',
    (event) => {
      // In Safari, the Enter that ends a composition comes after `compositionend`, so `isComposing`
      // is false, but its key code is 229.
      if (event.isComposing || event.keyCode === 229) event.stopImmediatePropagation()
    },
    { capture: true },
  )
}
