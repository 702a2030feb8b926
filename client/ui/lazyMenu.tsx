import { type Component, createSignal, type JSX, Show } from 'solid-js'
import { lazyPart } from './lazyPart.tsx'

export interface MenuProps {
  class: string
  label?: string | undefined
  children: JSX.Element
  tabIndex?: number | undefined
  onOpenChange?: ((isOpen: boolean) => void) | undefined
}

/**
 * Renders a button. Its first press loads the menu, which then replaces the button. So the menu
 * must be open when it is first rendered. Most of these buttons are never pressed, so the menu
 * library is not in the first load.
 */
export function lazyMenu<Props extends MenuProps>(
  load: () => Promise<Component<Props>>,
): Component<Props> {
  const Menu = lazyPart(load)
  return (props) => {
    const [isPressed, setPressed] = createSignal(false)
    const press = () => {
      setPressed(true)
      props.onOpenChange?.(true)
    }
    const button = () => (
      <button
        type="button"
        class={props.class}
        tabIndex={props.tabIndex}
        aria-label={props.label}
        aria-haspopup="true"
        aria-expanded="false"
        onClick={press}
        onKeyDown={(event) => {
          if (event.key !== 'ArrowDown') return
          event.preventDefault()
          press()
        }}
      >
        {props.children}
      </button>
    )
    return (
      <Show when={isPressed()} fallback={button()}>
        <Menu {...props} fallback={button()} />
      </Show>
    )
  }
}
