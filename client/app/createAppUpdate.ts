import { createSignal, onCleanup } from 'solid-js'

const checkEveryMs = 60 * 60_000

/** Lets the worker keep this page for when there is no network, and knows when there is a newer one. */
export function createAppUpdate() {
  const [isOutdated, setOutdated] = createSignal(false)
  const workers: ServiceWorkerContainer | undefined = navigator.serviceWorker
  // Not there where pages are not served safely.
  if (!workers) return { isOutdated }

  let registration: ServiceWorkerRegistration | undefined
  const register = async () => {
    registration = await workers.register('/worker.js', { updateViaCache: 'none' })
    const { active } = await workers.ready
    if (!workers.controller) active?.postMessage('claim')
  }
  const look = () => {
    if (document.visibilityState === 'visible') registration?.update().catch(() => undefined)
  }
  // A new worker comes with a new page, and takes over at once. This page may be new already.
  const onChange = () => void isPageOutdated().then((isOld) => isOld && setOutdated(true))

  const start = () => void register().catch(() => undefined)
  // What is needed first comes first.
  if (document.readyState === 'complete') start()
  else window.addEventListener('load', start, { once: true })
  const timer = setInterval(look, checkEveryMs)
  document.addEventListener('visibilitychange', look)
  workers.addEventListener('controllerchange', onChange)
  onCleanup(() => {
    clearInterval(timer)
    document.removeEventListener('visibilitychange', look)
    workers.removeEventListener('controllerchange', onChange)
  })
  return { isOutdated }
}

/** Whether the page, as it is served now, begins with another script than this one did. */
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
