import { DropdownMenu } from '@kobalte/core/dropdown-menu'
import { For, type JSX } from 'solid-js'
import { Icon } from './Icon.tsx'
import type { MenuProps } from './lazyMenu.tsx'

/**
 * The menu is open when it is first rendered, because `lazyMenu` renders it only after its button
 * was pressed.
 */
export function Menu(props: {
  trigger: MenuProps
  placement?: 'bottom-end' | 'top-start'
  onClosed?: () => void
  children: JSX.Element
}) {
  return (
    <DropdownMenu
      placement={props.placement ?? 'bottom-end'}
      modal={false}
      defaultOpen
      onOpenChange={(isOpen) => props.trigger.onOpenChange?.(isOpen)}
    >
      <DropdownMenu.Trigger
        class={props.trigger.class}
        tabIndex={props.trigger.tabIndex}
        aria-label={props.trigger.label}
      >
        {props.trigger.children}
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content class="menu" onCloseAutoFocus={() => props.onClosed?.()}>
          {props.children}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu>
  )
}

export function MenuChoices<Value extends string>(props: {
  label: string
  value: Value
  options: readonly (readonly [Value, string])[]
  onChange: (value: Value) => void
}) {
  return (
    <DropdownMenu.RadioGroup
      value={props.value}
      onChange={(value) => props.onChange(value as Value)}
    >
      <DropdownMenu.GroupLabel class="menu-label">{props.label}</DropdownMenu.GroupLabel>
      <For each={props.options}>
        {([value, label]) => (
          <DropdownMenu.RadioItem class="menu-item" value={value} closeOnSelect>
            <span class="menu-check">
              <DropdownMenu.ItemIndicator>
                <Icon name="check" />
              </DropdownMenu.ItemIndicator>
            </span>
            {label}
          </DropdownMenu.RadioItem>
        )}
      </For>
    </DropdownMenu.RadioGroup>
  )
}
