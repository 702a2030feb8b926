/**
 * Runs before the app's code, and removes WebRTC: the content security policy does not cover it, so an app
 * could use it to send data to any address.
 */
for (const name of Object.getOwnPropertyNames(globalThis))
  if (/^(moz|webkit)?RTC/.test(name)) Reflect.deleteProperty(globalThis, name)

// The policy forbids sending forms. But even blocked attempts could keep Chromium from ending the
// process of an app that hangs.
window.addEventListener('submit', (event) => event.preventDefault(), { capture: true })
Reflect.deleteProperty(HTMLFormElement.prototype, 'submit')
