/**
 * Notifies the parent process, if there is one, that all functions are served. Ignores a failure: if
 * the parent has exited, the closed IPC channel stops this process.
 */
export function notifyReady(): void {
  process.send?.({ natter: 'ready' }, undefined, undefined, () => {})
}
