import { createEffect, createSignal, type JSX, on } from 'solid-js'
import { Dialog } from './Dialog.tsx'
import { FormActions } from './FormActions.tsx'

/** Asks once more before something is done that is not undone. It stays open where that fails. */
export function ConfirmDialog(props: {
  isOpen: boolean
  onClose: () => void
  title: string
  /** What the button says that does it. */
  deed: string
  isDanger?: boolean
  onConfirm: () => Promise<unknown>
  children?: JSX.Element
}) {
  const [isBusy, setBusy] = createSignal(false)
  const [problem, setProblem] = createSignal<unknown>()
  createEffect(on([() => props.isOpen], () => setProblem()))

  async function confirm() {
    setBusy(true)
    setProblem()
    try {
      await props.onConfirm()
      props.onClose()
    } catch (error) {
      setProblem(error)
    } finally {
      setBusy(false)
    }
  }

  return (
    <Dialog isOpen={props.isOpen} onClose={props.onClose} title={props.title}>
      <div class="form">
        {props.children}
        <FormActions problem={problem()} onCancel={props.onClose}>
          <button
            type="button"
            class="button"
            classList={{ primary: !props.isDanger, danger: props.isDanger === true }}
            disabled={isBusy()}
            onClick={() => void confirm()}
          >
            {props.deed}
          </button>
        </FormActions>
      </div>
    </Dialog>
  )
}
