/**
 * Tells the parent process over the IPC channel, if there is one, that all functions are served. Ignores
 * a failure: if the parent has exited, the closed channel stops this process.
 */
export function notifyReady(): void {
  process.send?.({ natter: 'ready' }, undefined, undefined, () => {})
}
