import './updateBanner.css'
import { Show } from 'solid-js'
import { useLanguage } from '../i18n/createLanguage.ts'
import { isPartMissing } from '../ui/lazyPart.tsx'
import { createAppUpdate } from './createAppUpdate.ts'

export function UpdateBanner() {
  const { isOutdated } = createAppUpdate()
  const { t } = useLanguage()
  return (
    <div class="update-place" role="status">
      <Show when={isOutdated() || isPartMissing()}>
        <div class="update">
          <p>{t(isPartMissing() ? 'update.missing' : 'update.ready')}</p>
          <button type="button" class="button primary" onClick={() => window.location.reload()}>
            {t('update.reload')}
          </button>
        </div>
      </Show>
    </div>
  )
}
