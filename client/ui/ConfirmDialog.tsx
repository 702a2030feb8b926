import { createEffect, createSignal, type JSX, on } from 'solid-js'
import { Dialog } from './Dialog.tsx'
import { FormActions } from './FormActions.tsx'

/** If the action fails, the dialog stays open and shows the error. */
export function ConfirmDialog(props: {
  isOpen: boolean
  onClose: () => void
  title: string
  confirmLabel: string
  isDanger?: boolean
  onConfirm: () => Promise<unknown>
  children?: JSX.Element
}) {
  const [isBusy, setBusy] = createSignal(false)
  const [error, setError] = createSignal<unknown>()
  createEffect(on([() => props.isOpen], () => setError()))

  async function confirm() {
    setBusy(true)
    setError()
    try {
      await props.onConfirm()
      props.onClose()
    } catch (error) {
      setError(error)
    } finally {
      setBusy(false)
    }
  }

  return (
    <Dialog isOpen={props.isOpen} onClose={props.onClose} title={props.title}>
      <div class="form">
        {props.children}
        <FormActions error={error()} onCancel={props.onClose}>
          <button
            type="button"
            class="button"
            classList={{ primary: !props.isDanger, danger: props.isDanger === true }}
            disabled={isBusy()}
            onClick={() => void confirm()}
          >
            {props.confirmLabel}
          </button>
        </FormActions>
      </div>
    </Dialog>
  )
}
