/**
 * The keys of an input method choose characters, so they must not send, pick or close anything.
 * Listeners that are added before this call still receive them.
 */
export function hideCompositionKeys() {
  window.addEventListener(
    'keydown',
    (event) => {
      // In Safari, the Enter that ends a composition comes after `compositionend`, with this code.
      if (event.isComposing || event.keyCode === 229) event.stopImmediatePropagation()
    },
    { capture: true },
  )
}
