import './tooltip.css'
import { Tooltip, type TooltipTriggerRenderProps } from '@kobalte/core/tooltip'
import { createEffect, createSignal, onCleanup, Show } from 'solid-js'
import { useLanguage } from '../i18n/createLanguage.ts'

const showDelayMs = 500

const cutSelector = '.cut'
const tooltipSelector = `[data-tip], .icon-button[aria-label], time[datetime], ${cutSelector}`

interface TooltipTarget {
  element: HTMLElement
  text: string
}

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
    const text = element.matches(cutSelector)
      ? cutTextOf(element)
      : element instanceof HTMLTimeElement
        ? momentOf(element.dateTime)
        : (element.dataset.tip ?? label)
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
  // Only focus by Tab shows a tooltip. A dialog that opens sets the focus itself. If a tooltip
  // appeared then, it would consume the Escape key that should close the dialog.
  const onFocusIn = ({ target }: FocusEvent) => {
    if (!isTabbing || !(target instanceof HTMLElement)) return
    const element = target.matches(tooltipSelector)
      ? target
      : target.querySelector<HTMLElement>(cutSelector)
    if (element) show(element)
  }
  const onKeyDown = ({ key }: KeyboardEvent) => {
    isTabbing = key === 'Tab'
    if (key !== 'Escape' && key !== 'Tab') hide()
  }
  const onFocusOut = ({ target }: FocusEvent) => {
    const element = tooltip()?.element
    if (element && target instanceof Node && target.contains(element)) hide()
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

function TooltipAnchor(props: TooltipTarget & { trigger: Partial<TooltipTriggerRenderProps> }) {
  const { element, text, trigger } = props
  if (typeof trigger.ref === 'function') trigger.ref(element)
  createEffect(() => {
    const id = trigger['aria-describedby']
    // If a tooltip only repeats the label or the content of its element, a screen reader would
    // announce it twice.
    if (id === undefined || text === element.ariaLabel || text === element.textContent) return
    element.setAttribute('aria-describedby', id)
    onCleanup(() => element.removeAttribute('aria-describedby'))
  })
  return null
}

function cutTextOf({ scrollWidth, clientWidth, textContent }: HTMLElement): string {
  return scrollWidth > clientWidth ? textContent : ''
}

function findTarget(target: EventTarget | null): HTMLElement | undefined {
  return (target instanceof Element && target.closest<HTMLElement>(tooltipSelector)) || undefined
}
