import './tooltip.css'
import { Tooltip, type TooltipTriggerRenderProps } from '@kobalte/core/tooltip'
import { createEffect, createSignal, onCleanup, Show } from 'solid-js'
import { useLanguage } from '../i18n/createLanguage.ts'

const showDelayMs = 500

/**
 * Selector of the elements with a tooltip. Icon buttons show their label, times the full date, other
 * elements their `data-tip`.
 */
const tooltipSelector = '[data-tip], .icon-button[aria-label], time[datetime]'

interface TooltipTarget {
  element: HTMLElement
  text: string
}

/** Shows the tooltip of the hovered or keyboard-focused element: one tooltip for the whole page. */
export function Tooltips() {
  const { momentOf } = useLanguage()
  const [tooltip, setTooltip] = createSignal<TooltipTarget>()
  let hovered: HTMLElement | undefined
  let isTabbing = false
  let timer: ReturnType<typeof setTimeout> | undefined

  const hide = () => {
    clearTimeout(timer)
    setTooltip(undefined)
  }

  function show(element: HTMLElement) {
    const label = element.ariaLabel ?? ''
    const text =
      element instanceof HTMLTimeElement
        ? momentOf(element.dateTime)
        : (element.dataset.tip ?? label)
    // An element whose menu is open has no tooltip.
    const isOpen = element.ariaExpanded === 'true'
    setTooltip(text === '' || isOpen || !element.isConnected ? undefined : { element, text })
  }

  const onPointerOver = ({ target, pointerType }: PointerEvent) => {
    const element = findTarget(target)
    if (pointerType === 'touch' || element === hovered) return
    hovered = element
    clearTimeout(timer)
    if (tooltip() && !tooltip()?.element.isConnected) setTooltip(undefined)
    if (element) timer = setTimeout(() => show(element), tooltip() ? 0 : showDelayMs)
  }
  // Shows the tooltip only if Tab has moved the focus. A dialog that opens moves the focus too: if a
  // tooltip appeared then, the first Escape would close the tooltip instead of the dialog.
  const onFocusIn = ({ target }: FocusEvent) => {
    const element = findTarget(target)
    if (isTabbing && element && element === target) show(element)
  }
  const onKeyDown = ({ key }: KeyboardEvent) => {
    isTabbing = key === 'Tab'
    // The tooltip closes on Escape by itself, and the focus change after Tab replaces it.
    if (key !== 'Escape' && key !== 'Tab') hide()
  }
  const onFocusOut = ({ target }: FocusEvent) => {
    if (tooltip()?.element === target) hide()
  }

  const listeners = new AbortController()
  const { signal } = listeners
  document.addEventListener('pointerover', onPointerOver, { signal })
  document.addEventListener('pointerdown', hide, { signal, capture: true })
  document.addEventListener('keydown', onKeyDown, { signal, capture: true })
  document.addEventListener('focusin', onFocusIn, { signal })
  document.addEventListener('focusout', onFocusOut, { signal })
  onCleanup(() => {
    listeners.abort()
    clearTimeout(timer)
  })

  return (
    <Show when={tooltip()} keyed>
      {({ element, text }) => (
        <Tooltip open onOpenChange={(isOpen) => isOpen || hide()} gutter={6}>
          <Tooltip.Trigger
            as={(trigger: Partial<TooltipTriggerRenderProps>) => (
              <TooltipAnchor element={element} text={text} trigger={trigger} />
            )}
          />
          <Tooltip.Portal>
            <Tooltip.Content class="tip">{text}</Tooltip.Content>
          </Tooltip.Portal>
        </Tooltip>
      )}
    </Show>
  )
}

/** Attaches the tooltip to an element that is already on the page. */
function TooltipAnchor(props: TooltipTarget & { trigger: Partial<TooltipTriggerRenderProps> }) {
  const { element, text, trigger } = props
  if (typeof trigger.ref === 'function') trigger.ref(element)
  createEffect(() => {
    const id = trigger['aria-describedby']
    // A tooltip that repeats the label would be announced twice.
    if (id === undefined || text === element.ariaLabel) return
    element.setAttribute('aria-describedby', id)
    onCleanup(() => element.removeAttribute('aria-describedby'))
  })
  return null
}

function findTarget(target: EventTarget | null): HTMLElement | undefined {
  return (target instanceof Element && target.closest<HTMLElement>(tooltipSelector)) || undefined
}
