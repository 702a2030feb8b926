import { createSignal, onCleanup } from 'solid-js'

/**
 * Call `ask` only in a click handler: otherwise, browsers may deny the permission without asking.
 */
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
