import { useLanguage } from '../i18n/createLanguage.ts'
import type { OpenDialog } from '../routing/dialogs.ts'
import { keyLabels } from '../ui/keyLabels.ts'
import { StartActions } from './StartActions.tsx'

export function Welcome(props: { onOpen: (dialog: OpenDialog) => void }) {
  const { t } = useLanguage()
  return (
    <div class="nothing">
      <img src="/icon.svg" alt="" width="56" height="56" />
      <h1>{t('login.title')}</h1>
      <p>{t('room.welcome')}</p>
      <StartActions onOpen={props.onOpen} />
      <p>{t('room.chooseHint', { keys: keyLabels(t).switcher })}</p>
    </div>
  )
}
