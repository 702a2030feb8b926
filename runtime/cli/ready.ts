/**
 * Tells the parent process that all functions are served. Ignores an error of the channel: if the
 * parent has exited, the closed IPC channel stops this process.
 */
export function notifyReady(): void {
  process.send?.({ natter: 'ready' }, undefined, undefined, () => {})
}
