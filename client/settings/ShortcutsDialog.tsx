import './shortcuts.css'
import { For } from 'solid-js'
import { useLanguage } from '../i18n/createLanguage.ts'
import { Dialog } from '../ui/Dialog.tsx'
import { keyLabels } from '../ui/keyLabels.ts'

export function ShortcutsDialog(props: { isOpen: boolean; onClose: () => void }) {
  const { t } = useLanguage()
  const shortcuts = () => [
    [keyLabels(t).switcher, t('shortcuts.switcher')],
    [keyLabels(t).unread, t('shortcuts.unread')],
    [keyLabels(t).rooms, t('shortcuts.rooms')],
    [keyLabels(t).allRead, t('shortcuts.allRead')],
    [keyLabels(t).newLine, t('shortcuts.newLine')],
    ['@  :', t('shortcuts.mention')],
    [keyLabels(t).bold, t('shortcuts.bold')],
    [keyLabels(t).italic, t('shortcuts.italic')],
    [keyLabels(t).code, t('shortcuts.code')],
    ['↑', t('shortcuts.edit')],
    [keyLabels(t).messages, t('shortcuts.messages')],
    ['T', t('shortcuts.translate')],
    ['Esc', t('shortcuts.escape')],
    ['?', t('shortcuts.help')],
  ]
  return (
    <Dialog isOpen={props.isOpen} onClose={props.onClose} title={t('shortcuts.title')}>
      <dl class="shortcuts">
        <For each={shortcuts()}>
          {([keys, action]) => (
            <div>
              <dt>
                <kbd dir="ltr">{keys}</kbd>
              </dt>
              <dd>{action}</dd>
            </div>
          )}
        </For>
      </dl>
    </Dialog>
  )
}
