import { createSignal, type JSX, Show } from 'solid-js'
import { Button } from './button.tsx'
import { useApp } from './create-app.ts'
import { FormClose } from './form.tsx'

interface PageProps {
  title: string
  /** Buttons beside the title. */
  tools?: JSX.Element
  /** A form that a button beside the title shows, until it is submitted or cancelled. */
  form?: { button: string; primary?: boolean; view: () => JSX.Element } | false | undefined
  children: JSX.Element
}

/** The page of an app: its title with buttons beside it, the failure of the last action, and the content. */
export function Page(props: PageProps) {
  const app = useApp()
  /** The form as it was when it was opened, because a change of `props.form` must not clear its fields. */
  const [view, setView] = createSignal<() => JSX.Element>()
  let button: HTMLButtonElement | undefined
  const close = () => {
    setView()
    button?.focus()
  }
  return (
    <main>
      <div class="top">
        <h1>{props.title}</h1>
        {props.tools}
        <Show when={!view() && props.form}>
          {(form) => (
            <Button
              ref={button}
              primary={form().primary}
              onClick={() => setView(() => form().view)}
            >
              {form().button}
            </Button>
          )}
        </Show>
      </div>
      <p role="alert">{app.problem()}</p>
      <Show when={view()} keyed>
        {(View) => (
          <FormClose.Provider value={close}>
            <View />
          </FormClose.Provider>
        )}
      </Show>
      {props.children}
    </main>
  )
}
