import { createSignal } from 'solid-js'

const shownMs = 6_000

export function createToasts() {
  const [toasts, setToasts] = createSignal<readonly string[]>([])
  return {
    toasts,
    show(toast: string) {
      setToasts((before) => [...before, toast])
      setTimeout(() => setToasts((before) => before.slice(1)), shownMs)
    },
  }
}
