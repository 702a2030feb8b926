import { createIdle } from '../chat/createAutoAway.ts'
import type { Chat } from '../chat/createChat.ts'
import type { Kept } from '../chat/localStore.ts'
import type { Language } from '../i18n/createLanguage.ts'
import { createNotifications } from '../notifications/createNotifications.ts'
import { createBadge } from '../notifications/createTitleBadge.ts'
import type { Places } from '../routing/createRoute.ts'

/**
 * What a page does beside what is seen in it: it shows how much calls for somebody, and that they have gone
 * away. Answers with what tells of what is said.
 */
export function createBackground(chat: Chat, kept: Kept, places: Places, tn: Language['tn']) {
  createBadge(chat, places)
  createIdle(kept, chat.presence, chat.quiet)
  return createNotifications(chat, places, tn)
}
