import { createContext, type JSX, onMount, Show, useContext } from 'solid-js'
import { Button } from './button.tsx'
import { type AnyApp, useApp } from './create-app.ts'
import { readFields } from './read-fields.ts'

/** Closes the form of a `<Page>`. */
export const FormClose = createContext<() => void>()

interface FormProps<Of extends AnyApp> {
  /** The action that is called with the values of the fields, by their names. */
  action: Parameters<Of['act']>[0]
  /**
   * Adds a random UUID as `id` to the values. It stays the same when the user submits the form
   * again after a failure, so that the action can be idempotent.
   */
  withId?: boolean
  /**
   * The text of the button that submits. Default: the app's text whose key is the action's name.
   */
  submit?: string
  /**
   * Called when the action has succeeded or the user cancels. A `<Page>` closes its form itself.
   */
  onDone?: () => void
  children: JSX.Element
}

/**
 * A form that calls an action, and moves the focus to its first field. After a success, the form is
 * closed by `onDone` or its `<Page>`. Without either, it is cleared.
 */
export function Form<Of extends AnyApp = AnyApp>(props: FormProps<Of>) {
  const app = useApp()
  const closePage = useContext(FormClose)
  const close = () => props.onDone ?? closePage
  let id = crypto.randomUUID()
  let form!: HTMLFormElement
  onMount(() => form.querySelector<HTMLElement>('input, textarea, select')?.focus())
  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    const data = { ...readFields(form), ...(props.withId && { id }) }
    if (!(await app.act(props.action, data))) return
    const done = close()
    if (done) return done()
    form.reset()
    id = crypto.randomUUID()
  }
  return (
    <form ref={form} onSubmit={submit}>
      {props.children}
      <div class="line">
        <button type="submit" class="primary">
          {props.submit ?? app.t(props.action)}
        </button>
        <Show when={close()}>
          {(close) => <Button onClick={() => close()()}>{app.kitText('cancel')}</Button>}
        </Show>
      </div>
    </form>
  )
}
