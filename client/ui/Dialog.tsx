import { Dialog as KobalteDialog } from '@kobalte/core/dialog'
import { createComputed, type JSX, on, untrack } from 'solid-js'
import { useLanguage } from '../i18n/createLanguage.ts'
import { Icon } from './Icon.tsx'

/** What has the focus; of a menu, which is about to go, the button that has opened it. */
function findPlace(): Element | null {
  const { activeElement } = document
  const button = activeElement?.closest('[role="menu"]')?.getAttribute('aria-labelledby')
  return (button && document.getElementById(button)) || activeElement
}

/** A dialog in the middle of the page: named, closed by Escape, and keeping the focus while it is open. */
export function Dialog(props: {
  isOpen: boolean
  onClose: () => void
  title: string
  isWide?: boolean
  children: JSX.Element
}) {
  const { t } = useLanguage()
  let before: Element | null = null
  let content: HTMLElement | undefined
  createComputed(
    on(
      () => props.isOpen,
      (isOpen) => {
        if (isOpen) before = findPlace()
      },
    ),
  )

  /** Where something is to be typed, that has the focus, and not the button that closes it. */
  function focusField(event: Event) {
    const field = content?.querySelector<HTMLElement>('input, textarea')
    if (!field) return
    event.preventDefault()
    // In an effect of the dialog's: what the field does then is nothing that it depends on.
    untrack(() => field.focus())
  }

  /** Whoever opened it by keys goes on where they were; in another room, where one writes. */
  function giveBack(event: Event) {
    event.preventDefault()
    // Another has been opened meanwhile, which has the focus now.
    if ([...document.querySelectorAll('.dialog')].some((dialog) => dialog !== content)) return
    const place = before?.isConnected ? before : document.querySelector('#composer')
    if (place instanceof HTMLElement) place.focus()
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
            onCloseAutoFocus={giveBack}
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
