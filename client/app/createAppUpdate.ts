import { createSignal, onCleanup } from 'solid-js'

const checkIntervalMs = 60 * 60_000

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
  // A new worker takes control of all open pages, even of those that already run the new version. So
  // the page compares its script with the script that the server now delivers.
  const onChange = () => void isPageOutdated().then((isOld) => isOld && setOutdated(true))

  const start = () => void register().catch(() => undefined)
  // The worker's downloads must not compete with the page's.
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
