/**
 * Tells whoever started this process with a channel that it serves. That they are gone by now is
 * no error: it is heard as the end of the channel.
 */
export function notifyReady(): void {
  process.send?.({ natter: 'ready' }, undefined, undefined, () => {})
}
