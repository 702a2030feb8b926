/**
 * Caches the static files of the page, so that it starts without a network. It never caches
 * messages, the configuration or tokens. The build replaces `__FILES__` by the paths of the files,
 * and `__VERSION__` by a hash of their contents.
 */
declare const __FILES__: readonly string[]
declare const __VERSION__: string

// TypeScript does not type `self` as a service worker.
const worker = self as unknown as ServiceWorkerGlobalScope
const prefix = 'natter '
const cacheName = prefix + __VERSION__
const immutablePrefix = '/assets/'
const networkTimeoutMs = 1_500

worker.addEventListener('install', (event) => event.waitUntil(install()))
worker.addEventListener('activate', (event) => event.waitUntil(activate()))
worker.addEventListener('fetch', (event) => {
  const { method, mode, url } = event.request
  const { origin, pathname } = new URL(url)
  if (method !== 'GET' || origin !== worker.location.origin) return
  if (mode === 'navigate') {
    // With navigation preload, the browser requests a navigation twice if the worker does not
    // answer it. So the worker answers each navigation: a login at an OpenID provider behind this
    // origin would fail if its single-use URLs were requested twice.
    event.respondWith(isPage(pathname) ? readPage(event) : fetchPage(event))
  } else if (
    pathname !== '/' &&
    (__FILES__.includes(pathname) || pathname.startsWith(immutablePrefix))
  )
    event.respondWith(readFile(event.request))
})

// A page that loads while this worker activates is not controlled by it yet. It asks for control by
// sending `claim`.
worker.addEventListener('message', (event) => {
  if (event.data === 'claim') event.waitUntil(worker.clients.claim())
})
worker.addEventListener('notificationclick', (event) => {
  event.notification.close()
  event.waitUntil(goTo(event.notification.data.path))
})

async function goTo(path: string) {
  const pages = await worker.clients.matchAll({ type: 'window' })
  const page = pages.find(({ visibilityState }) => visibilityState === 'visible') ?? pages[0]
  if (!page) return void (await worker.clients.openWindow(path))
  page.postMessage({ path })
  await page.focus()
}

/** Activates this version at once, even while pages of the previous version are open. */
async function install() {
  const cache = await caches.open(cacheName)
  const requests = __FILES__.map(
    (path) =>
      new Request(path, { cache: path.startsWith(immutablePrefix) ? 'default' : 'no-cache' }),
  )
  await cache.addAll(requests)
  await worker.skipWaiting()
}

async function activate() {
  const others = (await caches.keys()).filter(
    (name) => name.startsWith(prefix) && name !== cacheName,
  )
  // Keeps the newest of the other caches: open pages of the previous version still use it.
  await Promise.all(others.slice(0, -1).map((name) => caches.delete(name)))
  await worker.registration.navigationPreload?.enable()
  await worker.clients.claim()
}

function isPage(path: string): boolean {
  return path === '/' || /^\/(callback$|console(\/|$)|r\/)/.test(path)
}

/**
 * Prefers the network to the cache, so that the page is up to date. Uses the cache if the network
 * fails or takes longer than `networkTimeoutMs`.
 */
async function readPage(event: FetchEvent): Promise<Response> {
  const response = fetchPage(event)
  const timeout = new Promise<undefined>((resolve) => setTimeout(resolve, networkTimeoutMs))
  const current = await Promise.race([response.catch(() => undefined), timeout])
  if (current?.ok) return current
  const cached = await (await caches.open(cacheName)).match('/')
  return cached ?? response
}

async function fetchPage(event: FetchEvent): Promise<Response> {
  return (await event.preloadResponse) ?? fetch(event.request)
}

async function readFile(request: Request): Promise<Response> {
  const options = { ignoreVary: true }
  const cache = await caches.open(cacheName)
  const cached = (await cache.match(request, options)) ?? (await caches.match(request, options))
  return cached ?? fetch(request)
}
