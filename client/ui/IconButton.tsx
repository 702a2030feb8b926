import { type ComponentProps, splitProps } from 'solid-js'
import { Icon } from './Icon.tsx'

interface IconButtonProps extends Omit<ComponentProps<'button'>, 'type' | 'class' | 'aria-label'> {
  icon: ComponentProps<typeof Icon>['name']
  /** The accessible name. */
  label: string
}

export function IconButton(props: IconButtonProps) {
  const [own, rest] = splitProps(props, ['icon', 'label'])
  return (
    <button type="button" class="icon-button" aria-label={own.label} {...rest}>
      <Icon name={own.icon} />
    </button>
  )
}
