/**
 * After the first signal, further signals are ignored for this time, because one Ctrl-C arrives
 * several times: from the terminal, and from each launcher that forwards it.
 */
const duplicateSignalMs = 300

/**
 * Calls `stop` on SIGTERM, on SIGINT, and when the IPC channel to the parent process closes. On a
 * second signal, calls `beforeExit` and exits with 130.
 */
export function onStop(stop: (reason: string) => void, beforeExit?: () => void): void {
  let first: number | undefined
  const onSignal = (reason: string) => {
    const now = performance.now()
    if (first === undefined) {
      first = now
      return stop(reason)
    }
    if (now - first < duplicateSignalMs) return
    beforeExit?.()
    process.exit(130)
  }
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal)

  if (!process.channel) return
  process.once('disconnect', () => {
    if (first === undefined) onSignal('the parent process exited')
  })
  process.channel.unref()
}
