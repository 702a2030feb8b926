import { type Component, createSignal, type JSX, Show } from 'solid-js'
import { lazyPart } from './lazyPart.tsx'

/** What a menu and the button in its place have in common. */
export interface MenuProps {
  class: string
  /** Where what is in the button does not say it. */
  label?: string | undefined
  children: JSX.Element
  tabIndex?: number | undefined
  onOpenChange?: ((isOpen: boolean) => void) | undefined
}

/**
 * A button that becomes a menu, open, when it is pressed for the first time: of many buttons few are,
 * and what menus are made of is not among the first that a page loads. The menu opens by default.
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
        <Menu {...props} instead={button()} />
      </Show>
    )
  }
}
