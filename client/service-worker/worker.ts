/**
 * Keeps the page itself, so that it starts without a network: scripts, styles, pictures. Nothing that
 * anybody has said passes through here, no configuration and no token: those are asked for each time.
 */
/** What the page is made of, and a word for exactly this: the build puts them in. */
declare const __FILES__: readonly string[]
declare const __VERSION__: string

// TypeScript takes every worker for any worker.
const worker = self as unknown as ServiceWorkerGlobalScope
const prefix = 'natter '
const cacheName = prefix + __VERSION__
const lasting = '/assets/'
/** How long the network may take for a page before the kept one is shown. */
const patienceMs = 1_500

worker.addEventListener('install', (event) => event.waitUntil(install()))
worker.addEventListener('activate', (event) => event.waitUntil(activate()))
worker.addEventListener('fetch', (event) => {
  const { method, mode, url } = event.request
  const { origin, pathname } = new URL(url)
  if (method !== 'GET' || origin !== worker.location.origin) return
  if (mode === 'navigate') {
    if (isPage(pathname)) event.respondWith(readPage(event))
  } else if (pathname !== '/' && (__FILES__.includes(pathname) || pathname.startsWith(lasting)))
    event.respondWith(readFile(event.request))
})

// A page that was on its way while this took over was nobody's then.
worker.addEventListener('message', (event) => {
  if (event.data === 'claim') event.waitUntil(worker.clients.claim())
})
worker.addEventListener('notificationclick', (event) => {
  event.notification.close()
  event.waitUntil(goTo(event.notification.data.path))
})

/** A page that is open goes there by itself, and loses nothing; else there is a new one. */
async function goTo(path: string) {
  const pages = await worker.clients.matchAll({ type: 'window' })
  const page = pages.find(({ visibilityState }) => visibilityState === 'visible') ?? pages[0]
  if (!page) return void (await worker.clients.openWindow(path))
  page.postMessage({ path })
  await page.focus()
}

/** Takes over at once: pages that are open go on with their own files, which are kept as well. */
async function install() {
  const cache = await caches.open(cacheName)
  const wanted = __FILES__.map(
    (path) => new Request(path, { cache: path.startsWith(lasting) ? 'default' : 'no-cache' }),
  )
  await cache.addAll(wanted)
  await worker.skipWaiting()
}

async function activate() {
  const others = (await caches.keys()).filter(
    (name) => name.startsWith(prefix) && name !== cacheName,
  )
  // The last one before this is that of pages which are open.
  await Promise.all(others.slice(0, -1).map((name) => caches.delete(name)))
  await worker.registration.navigationPreload?.enable()
  await worker.clients.claim()
}

/** A place in the page is the page itself. */
function isPage(path: string): boolean {
  return path === '/' || /^\/(callback$|console(\/|$)|r\/)/.test(path)
}

/** As it is on the server, so that nobody sees an old one for long; the kept one, where that is away. */
async function readPage(event: FetchEvent): Promise<Response> {
  const asked = askForPage(event)
  const late = new Promise<undefined>((resolve) => setTimeout(resolve, patienceMs))
  const found = await Promise.race([asked.catch(() => undefined), late])
  if (found?.ok) return found
  const kept = await (await caches.open(cacheName)).match('/')
  return kept ?? asked
}

async function askForPage(event: FetchEvent): Promise<Response> {
  return (await event.preloadResponse) ?? fetch(event.request)
}

async function readFile(request: Request): Promise<Response> {
  const how = { ignoreVary: true }
  const cache = await caches.open(cacheName)
  const kept = (await cache.match(request, how)) ?? (await caches.match(request, how))
  return kept ?? fetch(request)
}
