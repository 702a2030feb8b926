/**
 * The first code of each app's file. The content security policy does not cover WebRTC, with which an app
 * could send data to any address.
 */
for (const name of Object.getOwnPropertyNames(globalThis))
  if (/^(moz|webkit)?RTC/.test(name)) Reflect.deleteProperty(globalThis, name)

// The policy forbids to send forms. Attempts could keep Chromium from ending the process of an app that hangs.
window.addEventListener('submit', (event) => event.preventDefault(), { capture: true })
Reflect.deleteProperty(HTMLFormElement.prototype, 'submit')
