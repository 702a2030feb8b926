import { createAutoAway } from '../chat/createAutoAway.ts'
import type { Chat } from '../chat/createChat.ts'
import type { LocalStore } from '../chat/localStore.ts'
import type { Language } from '../i18n/createLanguage.ts'
import { createNotifications } from '../notifications/createNotifications.ts'
import { createTitleBadge } from '../notifications/createTitleBadge.ts'
import type { Router } from '../routing/createRoute.ts'

/**
 * What a page does beside what is seen in it: it shows how much calls for somebody, and that they have gone
 * away. Answers with what tells of what is said.
 */
export function createBackgroundTasks(
  chat: Chat,
  store: LocalStore,
  places: Router,
  tn: Language['tn'],
) {
  createTitleBadge(chat, places)
  createAutoAway(store, chat.presence, chat.doNotDisturb)
  return createNotifications(chat, places, tn)
}
