import type { App } from '#schema/messages/app'

/**
 * Returns the document of an app's frame, which loads nothing but the app's file. Throws if the app has no
 * valid component.
 */
export function appDocument({ id, componentUrl = '', integrity = '' }: App): string {
  if (!/^\/apps\/[\w-]+\.js$/.test(componentUrl) || !/^sha384-[\w+/=]+$/.test(integrity))
    throw new Error(`The app ${id} has no component`)
  // The origin of the frame is opaque, so in some browsers, 'self' would not match the app's file.
  const url = new URL(componentUrl, window.location.origin).href
  const policy = [
    "default-src 'none'",
    `script-src ${url}`,
    'img-src data: blob:',
    "form-action 'none'",
    "base-uri 'none'",
  ].join('; ')
  // The policy must come first in the document, because it applies only to what follows. Without it,
  // only the page's policy would apply, which the frame inherits. The page's policy allows images from
  // any address.
  return `<!doctype html><meta http-equiv="Content-Security-Policy" content="${policy}"><meta charset="utf-8"><script type="module" crossorigin integrity="${integrity}" src="${url}"></script>`
}
