import { For } from 'solid-js'
import { useLanguage } from '../i18n/createLanguage.ts'
import { ModalDialog } from '../ui/Dialog.tsx'
import { keys } from '../ui/keyLabels.ts'

/** What can be done by keys alone. */
export function ShortcutsDialog(props: { isOpen: boolean; onClose: () => void }) {
  const { t } = useLanguage()
  const shortcuts = () => [
    [keys(t).switcher, t('shortcuts.switcher')],
    [keys(t).unread, t('shortcuts.unread')],
    [keys(t).rooms, t('shortcuts.rooms')],
    [keys(t).allRead, t('shortcuts.allRead')],
    [keys(t).newLine, t('shortcuts.newLine')],
    ['@  :', t('shortcuts.name')],
    [keys(t).bold, t('shortcuts.bold')],
    [keys(t).italic, t('shortcuts.italic')],
    [keys(t).code, t('shortcuts.code')],
    ['↑', t('shortcuts.edit')],
    [keys(t).messages, t('shortcuts.messages')],
    ['Esc', t('shortcuts.escape')],
    ['?', t('shortcuts.help')],
  ]
  return (
    <ModalDialog isOpen={props.isOpen} onClose={props.onClose} title={t('shortcuts.title')}>
      <dl class="shortcuts">
        <For each={shortcuts()}>
          {([keys, what]) => (
            <div>
              <dt>
                <kbd dir="ltr">{keys}</kbd>
              </dt>
              <dd>{what}</dd>
            </div>
          )}
        </For>
      </dl>
    </ModalDialog>
  )
}
