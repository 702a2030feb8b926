import { createSignal, onCleanup } from 'solid-js'

/** Whether the browser lets us show notifications. Asks only when told to, which wants a click. */
export function createPermission() {
  const read = () => ('Notification' in window ? Notification.permission : 'unsupported')
  const [state, setState] = createSignal<NotificationPermission | 'unsupported'>(read())
  const update = () => setState(read())
  let status: PermissionStatus | undefined
  // Somebody may allow it in the browser's own settings meanwhile.
  void navigator.permissions?.query({ name: 'notifications' }).then(
    (found) => {
      status = found
      found.addEventListener('change', update)
    },
    () => undefined,
  )
  onCleanup(() => status?.removeEventListener('change', update))

  return {
    state,
    async ask() {
      await Notification.requestPermission()
      update()
    },
  }
}
