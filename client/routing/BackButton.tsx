import { useLanguage } from '../i18n/createLanguage.ts'
import { useRoute } from './createRoute.ts'

/** Leads back to the room list. Narrow pages show this button, because they hide the list. */
export function BackButton() {
  const { go } = useRoute()
  const { t } = useLanguage()
  return (
    <button type="button" class="button only-narrow" onClick={() => go({})}>
      {t('rooms.title')}
    </button>
  )
}
