import { createSignal, onCleanup } from 'solid-js'

/** Browsers allow a call of `ask` only in a click handler. */
export function createPermission() {
  const read = () => ('Notification' in window ? Notification.permission : 'unsupported')
  const [state, setState] = createSignal<NotificationPermission | 'unsupported'>(read())
  const update = () => setState(read())
  let status: PermissionStatus | undefined
  void navigator.permissions?.query({ name: 'notifications' }).then(
    (current) => {
      status = current
      current.addEventListener('change', update)
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
