/**
 * Tells the parent process over the IPC channel, if there is one, that all functions are served.
 * Sending fails if the parent has exited. The error is ignored, because the closing of the channel
 * stops this process anyway.
 */
export function notifyReady(): void {
  process.send?.({ natter: 'ready' }, undefined, undefined, () => {})
}
