/**
 * Tells the parent process that all functions are served. Ignores a failure: if the parent has
 * exited, the closed IPC channel stops this process.
 */
export function notifyReady(): void {
  process.send?.({ natter: 'ready' }, undefined, undefined, () => {})
}
