import { onCleanup } from 'solid-js'

const idleAfterMs = 3_000
const kinds = ['keydown', 'input', 'pointerdown'] as const

/** Knows whether somebody is writing or pressing something at this moment. */
export function createUserActivity() {
  let busyAt = Number.NEGATIVE_INFINITY
  const note = () => {
    busyAt = performance.now()
  }
  for (const kind of kinds) window.addEventListener(kind, note, { capture: true })
  onCleanup(() => {
    for (const kind of kinds) window.removeEventListener(kind, note, { capture: true })
  })
  return { isResting: () => performance.now() - busyAt > idleAfterMs }
}
