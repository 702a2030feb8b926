import { Dialog as KobalteDialog } from '@kobalte/core/dialog'
import { createComputed, type JSX, on, untrack } from 'solid-js'
import { useLanguage } from '../i18n/createLanguage.ts'
import { Icon } from './Icon.tsx'

/**
 * Returns the element that gets the focus when the dialog closes: the focused element. If this
 * element is in a menu, which is about to close, returns the menu's button instead.
 */
function findFocusOrigin(): Element | null {
  const { activeElement } = document
  const button = activeElement?.closest('[role="menu"]')?.getAttribute('aria-labelledby')
  return (button && document.getElementById(button)) || activeElement
}

export function Dialog(props: {
  isOpen: boolean
  onClose: () => void
  title: string
  isWide?: boolean
  children: JSX.Element
}) {
  const { t } = useLanguage()
  let focusOrigin: Element | null = null
  let content: HTMLElement | undefined
  createComputed(
    on(
      () => props.isOpen,
      (isOpen) => {
        if (isOpen) focusOrigin = findFocusOrigin()
      },
    ),
  )

  function focusField(event: Event) {
    const field = content?.querySelector<HTMLElement>('input, textarea')
    if (!field) return
    event.preventDefault()
    // The effect that runs this function must not track signals that focus handlers read:
    // otherwise, it would move the focus each time these signals change.
    untrack(() => field.focus())
  }

  /**
   * Returns the focus to the element that had it before the dialog. Falls back to the composer if
   * that element was removed.
   */
  function restoreFocus(event: Event) {
    event.preventDefault()
    if ([...document.querySelectorAll('.dialog')].some((dialog) => dialog !== content)) return
    const target = focusOrigin?.isConnected ? focusOrigin : document.querySelector('#composer')
    if (target instanceof HTMLElement) target.focus()
  }

  return (
    <KobalteDialog open={props.isOpen} onOpenChange={(isOpen) => !isOpen && props.onClose()}>
      <KobalteDialog.Portal>
        <KobalteDialog.Overlay class="overlay" />
        <div class="dialog-place">
          <KobalteDialog.Content
            class="dialog"
            classList={{ 'is-wide': props.isWide === true }}
            ref={(element: HTMLElement) => {
              content = element
            }}
            onOpenAutoFocus={focusField}
            onCloseAutoFocus={restoreFocus}
          >
            <header class="dialog-head">
              <KobalteDialog.Title class="dialog-title">{props.title}</KobalteDialog.Title>
              <KobalteDialog.CloseButton class="icon-button" aria-label={t('settings.close')}>
                <Icon name="close" />
              </KobalteDialog.CloseButton>
            </header>
            {props.children}
          </KobalteDialog.Content>
        </div>
      </KobalteDialog.Portal>
    </KobalteDialog>
  )
}
