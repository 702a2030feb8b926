/**
 * Sends a message to the parent, if there is a channel, that all functions are served. A parent that has
 * exited is no error: the closed channel stops this process.
 */
export function notifyReady(): void {
  process.send?.({ natter: 'ready' }, undefined, undefined, () => {})
}
