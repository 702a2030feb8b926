import { type JSX, Show, splitProps } from 'solid-js'

interface ButtonProps extends JSX.ButtonHTMLAttributes<HTMLButtonElement> {
  /**
   * Highlights the button. Set it for only one button, the main action, in each section or form.
   */
  primary?: boolean | undefined
  /** Renders no button, for example for users who may not use it. */
  hidden?: boolean | undefined
}

/** A button that does not submit the form around it. */
export function Button(props: ButtonProps) {
  const [own, rest] = splitProps(props, ['primary', 'hidden'])
  return (
    <Show when={!own.hidden}>
      <button type="button" classList={{ primary: own.primary }} {...rest} />
    </Show>
  )
}
