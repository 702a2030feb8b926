import './tooltip.css'
import { Tooltip, type TooltipTriggerRenderProps } from '@kobalte/core/tooltip'
import { createEffect, createSignal, onCleanup, Show } from 'solid-js'
import { useLanguage } from '../i18n/createLanguage.ts'

/** How long somebody points at something before they are told what it is. */
const afterMs = 500

/**
 * A button with a picture says its label, and a time its day; whatever else has something to say has it
 * in `data-tip`.
 */
const withTip = '[data-tip], .icon-button[aria-label], time[datetime]'

interface TooltipTarget {
  element: HTMLElement
  text: string
}

/** What is said of what somebody points at, or has come to by keys: one tooltip for the whole page. */
export function Tooltips() {
  const { momentOf } = useLanguage()
  const [tip, setTip] = createSignal<TooltipTarget>()
  let pointedAt: HTMLElement | undefined
  let isTabbing = false
  let waiting: ReturnType<typeof setTimeout> | undefined

  const hide = () => {
    clearTimeout(waiting)
    setTip(undefined)
  }

  function show(element: HTMLElement) {
    const label = element.ariaLabel ?? ''
    const text =
      element instanceof HTMLTimeElement
        ? momentOf(element.dateTime)
        : (element.dataset.tip ?? label)
    // What is open says itself what it is.
    const isOpen = element.ariaExpanded === 'true'
    setTip(text === '' || isOpen || !element.isConnected ? undefined : { element, text })
  }

  const onPointerOver = ({ target, pointerType }: PointerEvent) => {
    const element = find(target)
    if (pointerType === 'touch' || element === pointedAt) return
    pointedAt = element
    clearTimeout(waiting)
    if (tip() && !tip()?.element.isConnected) setTip(undefined)
    if (element) waiting = setTimeout(() => show(element), tip() ? 0 : afterMs)
  }
  // Not what has the focus because a dialog has opened: Escape would close its tooltip first.
  const onFocusIn = ({ target }: FocusEvent) => {
    const element = find(target)
    if (isTabbing && element && element === target) show(element)
  }
  const onKeyDown = ({ key }: KeyboardEvent) => {
    isTabbing = key === 'Tab'
    // What was pressed has been understood, and whoever writes looks elsewhere. Escape closes a tooltip
    // before all else, and Tab goes to another.
    if (key !== 'Escape' && key !== 'Tab') hide()
  }
  const onFocusOut = ({ target }: FocusEvent) => {
    if (tip()?.element === target) hide()
  }

  const listening = new AbortController()
  const { signal } = listening
  document.addEventListener('pointerover', onPointerOver, { signal })
  document.addEventListener('pointerdown', hide, { signal, capture: true })
  document.addEventListener('keydown', onKeyDown, { signal, capture: true })
  document.addEventListener('focusin', onFocusIn, { signal })
  document.addEventListener('focusout', onFocusOut, { signal })
  onCleanup(() => {
    listening.abort()
    clearTimeout(waiting)
  })

  return (
    <Show when={tip()} keyed>
      {({ element, text }) => (
        <Tooltip open onOpenChange={(isOpen) => isOpen || hide()} gutter={6}>
          <Tooltip.Trigger
            as={(trigger: Partial<TooltipTriggerRenderProps>) => (
              <VisibleTooltip element={element} text={text} trigger={trigger} />
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

/** What the tooltip is of is there already. */
function VisibleTooltip(props: TooltipTarget & { trigger: Partial<TooltipTriggerRenderProps> }) {
  const { element, text, trigger } = props
  if (typeof trigger.ref === 'function') trigger.ref(element)
  createEffect(() => {
    const id = trigger['aria-describedby']
    // What is its name needs no saying twice.
    if (id === undefined || text === element.ariaLabel) return
    element.setAttribute('aria-describedby', id)
    onCleanup(() => element.removeAttribute('aria-describedby'))
  })
  return null
}

function find(target: EventTarget | null): HTMLElement | undefined {
  return (target instanceof Element && target.closest<HTMLElement>(withTip)) || undefined
}
