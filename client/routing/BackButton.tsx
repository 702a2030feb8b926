import { useLanguage } from '../i18n/createLanguage.ts'
import { useRoute } from './createRoute.ts'

/** Leads back to the room list, which narrow pages hide while a room is open. */
export function BackButton() {
  const { go } = useRoute()
  const { t } = useLanguage()
  return (
    <button type="button" class="button only-narrow" onClick={() => go({})}>
      {t('rooms.title')}
    </button>
  )
}
