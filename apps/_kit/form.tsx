import { type JSX, onMount } from 'solid-js'
import { useApp } from './create-app.ts'

interface FormProps {
  /** The text of the button that submits. */
  submit: string
  /** Returns whether it succeeded. */
  onSubmit: (data: FormData) => Promise<boolean>
  /** Called after a success, or when the user cancels. */
  onDone: () => void
  children: JSX.Element
}

/** A form that moves the focus to its first field. */
export function Form(props: FormProps) {
  const app = useApp()
  let form: HTMLFormElement | undefined
  onMount(() => form?.querySelector<HTMLElement>('input, textarea, select')?.focus())
  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    if (await props.onSubmit(new FormData(form))) props.onDone()
  }
  return (
    <form ref={form} onSubmit={submit}>
      {props.children}
      <div class="line">
        <button type="submit" class="primary">
          {props.submit}
        </button>
        <button type="button" onClick={props.onDone}>
          {app.kitText('cancel')}
        </button>
      </div>
    </form>
  )
}
