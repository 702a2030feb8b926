/**
 * Within this time after Tab, the focus may move to the frame. Within this time after any other key,
 * the focus may not move to the frame even if the pointer is over it: the user is typing.
 */
const keyMs = 300

/**
 * Calls `onTheft` if the focus moves from a text field to the frame without a legitimate cause. Legitimate
 * causes are: the pointer is over the frame, Tab was pressed, or the page has focused the frame. Without
 * this guard, an app could take the focus and read what the user types. The text field has the focus
 * again when `onTheft` is called.
 */
export function createFocusGuard(frame: HTMLIFrameElement, onTheft: () => void) {
  let left: { field: HTMLElement; at: number } | undefined
  let tabAt = Number.NEGATIVE_INFINITY
  let typedAt = Number.NEGATIVE_INFINITY
  let isAllowed = false
  const listeners = new AbortController()
  const options = { capture: true, signal: listeners.signal }

  document.addEventListener(
    'focusout',
    ({ target }) => {
      const isField = target instanceof HTMLElement && target.matches('input, textarea')
      left = isField ? { field: target, at: performance.now() } : undefined
    },
    options,
  )
  window.addEventListener(
    'keydown',
    ({ key }) => {
      if (key === 'Tab') tabAt = performance.now()
      else typedAt = performance.now()
    },
    options,
  )
  window.addEventListener(
    'blur',
    () => {
      const at = performance.now()
      check(at)
      // Checks once more, because some browsers update `document.activeElement` only after the
      // event.
      setTimeout(() => check(at))
    },
    options,
  )

  function check(blurredAt: number) {
    if (document.activeElement !== frame || isAllowed || !left || blurredAt - left.at > keyMs)
      return
    const hasPointer = frame.matches(':hover') && blurredAt - typedAt > keyMs
    if (blurredAt - tabAt < keyMs || hasPointer) return
    const { field } = left
    left = undefined
    frame.blur()
    field.focus()
    onTheft()
  }

  return {
    focus() {
      isAllowed = true
      frame.focus()
      setTimeout(() => {
        isAllowed = false
      }, keyMs)
    },
    dispose: () => listeners.abort(),
  }
}
