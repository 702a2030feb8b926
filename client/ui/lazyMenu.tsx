import { type Component, createSignal, type JSX, Show } from 'solid-js'
import { lazyPart } from './lazyPart.tsx'

export interface MenuProps {
  class: string
  /** Accessible name, if the content of the button does not provide one. */
  label?: string | undefined
  children: JSX.Element
  tabIndex?: number | undefined
  onOpenChange?: ((isOpen: boolean) => void) | undefined
}

/**
 * Returns a button that loads its menu at the first press and is then replaced by the menu. Most of
 * these buttons are never pressed, and the menu library is not part of the first load. The menu must
 * be initially open.
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
