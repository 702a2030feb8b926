import { useLanguage } from '../i18n/createLanguage.ts'
import { useRoute } from './createRoute.ts'

/** To the rooms, where there is no place for them beside what is shown. */
export function BackButton() {
  const { go } = useRoute()
  const { t } = useLanguage()
  return (
    <button type="button" class="button only-narrow" onClick={() => go({})}>
      {t('rooms.title')}
    </button>
  )
}
