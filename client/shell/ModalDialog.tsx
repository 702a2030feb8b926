import { Dialog } from '@kobalte/core/dialog'
import type { JSX } from 'solid-js'
import { useLanguage } from '../i18n/createLanguage.ts'
import { Icon } from './Icon.tsx'

/** A dialog in the middle of the page: named, closed by Escape, and keeping the focus while it is open. */
export function ModalDialog(props: {
  isOpen: boolean
  onClose: () => void
  title: string
  isWide?: boolean
  children: JSX.Element
}) {
  const { t } = useLanguage()
  return (
    <Dialog open={props.isOpen} onOpenChange={(isOpen) => !isOpen && props.onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay class="overlay" />
        <div class="dialog-place">
          <Dialog.Content class="dialog" classList={{ 'is-wide': props.isWide === true }}>
            <header class="dialog-head">
              <Dialog.Title class="dialog-title">{props.title}</Dialog.Title>
              <Dialog.CloseButton class="icon-button" aria-label={t('settings.close')}>
                <Icon name="close" />
              </Dialog.CloseButton>
            </header>
            {props.children}
          </Dialog.Content>
        </div>
      </Dialog.Portal>
    </Dialog>
  )
}
