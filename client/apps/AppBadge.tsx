import './messageCard.css'
import { useLanguage } from '../i18n/createLanguage.ts'

/** Marks the sender of a message as an app. */
export function AppBadge() {
  const { t } = useLanguage()
  return <span class="app-badge">{t('apps.badge')}</span>
}
