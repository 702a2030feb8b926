import { createSignal, onCleanup } from 'solid-js'

const checkIntervalMs = 60 * 60_000

/** Registers the service worker, which caches the page, and reports when a newer page is available. */
export function createAppUpdate() {
  const [isOutdated, setOutdated] = createSignal(false)
  const workers: ServiceWorkerContainer | undefined = navigator.serviceWorker
  // `navigator.serviceWorker` is undefined without HTTPS.
  if (!workers) return { isOutdated }

  let registration: ServiceWorkerRegistration | undefined
  const register = async () => {
    registration = await workers.register('/worker.js', { updateViaCache: 'none' })
    const { active } = await workers.ready
    if (!workers.controller) active?.postMessage('claim')
  }
  const checkForUpdate = () => {
    if (document.visibilityState === 'visible') registration?.update().catch(() => undefined)
  }
  // A new service worker takes control of all open pages, even of those that already have its
  // version. So the page compares its version before it reports an update.
  const onChange = () => void isPageOutdated().then((isOld) => isOld && setOutdated(true))

  const start = () => void register().catch(() => undefined)
  // Registers after the load event, so that the worker's downloads do not compete with the page's.
  if (document.readyState === 'complete') start()
  else window.addEventListener('load', start, { once: true })
  const timer = setInterval(checkForUpdate, checkIntervalMs)
  document.addEventListener('visibilitychange', checkForUpdate)
  workers.addEventListener('controllerchange', onChange)
  onCleanup(() => {
    clearInterval(timer)
    document.removeEventListener('visibilitychange', checkForUpdate)
    workers.removeEventListener('controllerchange', onChange)
  })
  return { isOutdated }
}

/** Returns whether the server now delivers another entry script than this page has. */
async function isPageOutdated(): Promise<boolean> {
  const script = document.querySelector<HTMLScriptElement>('script[type="module"][src]')
  try {
    const response = await fetch('/', { cache: 'no-store' })
    const path = new URL(script?.src ?? '').pathname
    return response.ok && !(await response.text()).includes(path)
  } catch {
    return false
  }
}
