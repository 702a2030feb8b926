/**
 * Runs in the browser. Presses the key that ends the composition of a text with an input method.
 * Chromium, Firefox and WebKitGTK send this key before `compositionend`, Safari after it.
 */
export function pressInComposition({
  key,
  order,
}: {
  key: string
  order: 'before-end' | 'after-end'
}): void {
  const element = document.activeElement ?? document.body
  const options = { bubbles: true, cancelable: true }
  const pressKey = (isComposing: boolean) => {
    const event = new KeyboardEvent('keydown', { ...options, key, code: key, isComposing })
    Object.defineProperty(event, 'keyCode', { value: 229 })
    element.dispatchEvent(event)
  }
  element.dispatchEvent(new CompositionEvent('compositionstart', options))
  if (order === 'before-end') pressKey(true)
  element.dispatchEvent(new CompositionEvent('compositionend', options))
  if (order === 'after-end') pressKey(false)
}
