/**
 * A Ctrl-C arrives more than once: from the terminal and from each launcher in between that passes
 * it on. What follows the first so soon, in milliseconds, is the same one.
 */
const duplicateSignalMs = 300

/**
 * Calls `stop` when the process is told to end: by SIGTERM, SIGINT, or the end of the process that
 * started it with a channel. Told again, it leaves at once with 130, after `leave`.
 */
export function onStop(stop: (reason: string) => void, leave?: () => void): void {
  let first: number | undefined
  const hear = (reason: string) => {
    const now = performance.now()
    if (first === undefined) {
      first = now
      return stop(reason)
    }
    if (now - first < duplicateSignalMs) return
    leave?.()
    process.exit(130)
  }
  process.on('SIGTERM', hear).on('SIGINT', hear)

  if (!process.channel) return
  process.once('disconnect', () => {
    if (first === undefined) hear('the parent process went away')
  })
  // Listening must not keep a process alive that has nothing else to do.
  process.channel.unref()
}
