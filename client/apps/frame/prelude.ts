/**
 * The first code of each app's file. The content security policy does not cover WebRTC, with which an app
 * could send data to any address.
 */
for (const name of Object.getOwnPropertyNames(globalThis))
  if (/^(moz|webkit)?RTC/.test(name)) Reflect.deleteProperty(globalThis, name)
