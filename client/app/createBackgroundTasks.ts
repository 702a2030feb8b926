import { createAutoAway } from '../chat/createAutoAway.ts'
import type { Chat } from '../chat/createChat.ts'
import type { LocalStore } from '../chat/localStore.ts'
import { syncPreferences } from '../chat/syncPreferences.ts'
import type { Language } from '../i18n/createLanguage.ts'
import { createNotifications } from '../notifications/createNotifications.ts'
import { createTitleBadge } from '../notifications/createTitleBadge.ts'
import type { Router } from '../routing/createRoute.ts'
import type { SettingsStore } from '../settings/createSettings.ts'

export function createBackgroundTasks(
  chat: Chat,
  store: LocalStore,
  router: Router,
  language: Language,
  settings: SettingsStore,
) {
  syncPreferences(chat, store, settings)
  createTitleBadge(chat, router)
  createAutoAway(store, chat.presence, chat.doNotDisturb)
  return createNotifications(chat, router, language)
}
