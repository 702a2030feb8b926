import { useLanguage } from '../i18n/createLanguage.ts'
import { useRoute } from './createRoute.ts'

/** Narrow pages hide the room list. */
export function BackButton() {
  const { go } = useRoute()
  const { t } = useLanguage()
  return (
    <button type="button" class="button only-narrow" onClick={() => go({})}>
      {t('rooms.title')}
    </button>
  )
}
