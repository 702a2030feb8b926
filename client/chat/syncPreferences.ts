import { createEffect, createMemo, on, onCleanup } from 'solid-js'
import { topics } from '#schema/contracts'
import type { Preferences as Prefs } from '#schema/messages/prefs'
import { callWithRetry, isTransient, retryDelayOf } from '../nats/callWithRetry.ts'
import type { SettingsStore } from '../settings/createSettings.ts'
import type { Chat } from './createChat.ts'
import { key as preferencesKey } from './createPreferences.ts'
import type { LocalStore } from './localStore.ts'

/** Notification levels as an earlier version of the page stored them in the browser. */
interface EarlierLevels {
  everywhere: Prefs['notify']
  rooms: Prefs['rooms']
}

export function syncPreferences(
  chat: Chat,
  store: LocalStore,
  [settings, setSettings]: SettingsStore,
): void {
  const { client, preferences, connection } = chat
  // `settings.language` applies to the browser, so it may be another user's choice. The account adopts
  // it only if this user has used an earlier version of the page in this browser.
  const isUpgraded = !store.readNow(preferencesKey) && store.keysNow('').length > 0
  let isSending = false
  let timer: ReturnType<typeof setTimeout> | undefined
  let isDisposed = false
  onCleanup(() => {
    isDisposed = true
    clearTimeout(timer)
  })
  // Subscribes before the first request, so that no change is missed.
  onCleanup(client.listen(topics.deliverPrefs, { user: chat.me }, preferences.receive))
  onCleanup(connection.onReconnect(() => void load()))
  void load()
  createEffect(() => preferences.isCurrent() && preferences.unsent() && void send())

  const language = createMemo(() => preferences.all().language)
  createEffect(on(language, (code) => code && setSettings('language', code)))

  async function load() {
    clearTimeout(timer)
    try {
      const answer = await callWithRetry(client, 'prefs.get', {})
      if (isDisposed) return
      adopt(answer.prefs)
      preferences.receive(answer)
    } catch (error) {
      if (!isDisposed) timer = setTimeout(load, retryDelayOf(error))
    }
  }

  async function send() {
    const changes = preferences.unsent()
    if (isSending || !changes) return
    isSending = true
    try {
      preferences.receive(await callWithRetry(client, 'prefs.set', changes))
      preferences.settle(changes)
    } catch (error) {
      if (isTransient(error))
        await new Promise((resolve) => setTimeout(resolve, retryDelayOf(error)))
      else {
        preferences.settle(changes)
        void chat.attempt(() => Promise.reject(error))
      }
    } finally {
      isSending = false
    }
    if (!isDisposed) void send()
  }

  /** Adopts choices that an earlier version stored in the browser, if the account has no choice yet. */
  function adopt({ language, notify, rooms, status }: Prefs) {
    const levels = store.readNow<EarlierLevels>('notify')
    const earlierStatus = store.readNow<NonNullable<Prefs['status']>>('status')
    const earlierLanguage = isUpgraded && settings.language
    if (!levels && !earlierStatus && !earlierLanguage) return
    preferences.set({
      ...(!notify && levels && { notify: levels.everywhere }),
      ...(!language && earlierLanguage && { language: earlierLanguage }),
      ...(!status && earlierStatus && { status: earlierStatus }),
      rooms: { ...levels?.rooms, ...rooms },
    })
    for (const key of ['notify', 'status']) store.writeNow(key, undefined)
  }
}
