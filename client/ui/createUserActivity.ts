import { onCleanup } from 'solid-js'

const idleAfterMs = 3_000
const eventNames = ['keydown', 'input', 'pointerdown'] as const

export function createUserActivity() {
  let lastActivityMs = Number.NEGATIVE_INFINITY
  const recordActivity = () => {
    lastActivityMs = performance.now()
  }
  for (const name of eventNames) window.addEventListener(name, recordActivity, { capture: true })
  onCleanup(() => {
    for (const name of eventNames)
      window.removeEventListener(name, recordActivity, { capture: true })
  })
  return { isIdle: () => performance.now() - lastActivityMs > idleAfterMs }
}
