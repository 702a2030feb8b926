import { useLanguage } from '../i18n/createLanguage.ts'
import type { OpenDialog } from '../routing/dialogs.ts'

export function StartActions(props: { onOpen: (dialog: OpenDialog) => void }) {
  const { t } = useLanguage()
  return (
    <div class="nothing-actions">
      <button type="button" class="button primary" onClick={() => props.onOpen('create')}>
        {t('room.startCreate')}
      </button>
      <button type="button" class="button" onClick={() => props.onOpen('browse')}>
        {t('room.startBrowse')}
      </button>
      <button type="button" class="button" onClick={() => props.onOpen('direct')}>
        {t('room.startMessage')}
      </button>
    </div>
  )
}
