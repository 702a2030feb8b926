import { onCleanup } from 'solid-js'

export type Refresh = ReturnType<typeof createRefresh>

const [debounceMs, pollMs] = [400, 60_000]

/**
 * Runs `load` on request, when the page becomes visible, and every minute while it is visible.
 * Never runs `load` twice at the same time. A failed load is not reported.
 */
export function createRefresh(load: () => Promise<void>) {
  let round = 0
  let running: Promise<void> | undefined
  let queued: Promise<void> | undefined
  let debounce: ReturnType<typeof setTimeout> | undefined

  const poll = setInterval(() => document.visibilityState === 'visible' && refresh(), pollMs)
  const onVisible = () => document.visibilityState === 'visible' && refreshSoon()
  document.addEventListener('visibilitychange', onVisible)
  onCleanup(() => {
    clearInterval(poll)
    clearTimeout(debounce)
    document.removeEventListener('visibilitychange', onVisible)
  })

  /**
   * If a load is already running, it may have read older data. So `load` runs once more after it,
   * once for all calls during that load.
   */
  function refresh(): Promise<void> {
    if (!running) return start()
    queued ??= running.then(start)
    return queued
  }

  function start(): Promise<void> {
    queued = undefined
    round++
    running = load()
      .catch(() => undefined)
      .finally(() => {
        running = undefined
      })
    return running
  }

  function refreshSoon() {
    clearTimeout(debounce)
    debounce = setTimeout(() => void refresh(), debounceMs)
  }

  return {
    refresh,
    refreshSoon,
    round: () => round,
  }
}
