import { createContext, createEffect, createSignal, on, useContext } from 'solid-js'
import type { Chat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { failureText } from '../i18n/problem.ts'

/**
 * Announces a sentence to screen readers. The sentence is removed after three seconds; the returned
 * function removes it at once.
 */
export type Announce = (sentence: string) => () => void

export const AnnounceContext = createContext<Announce>(() => () => {})

const shownMs = 3_000

export function createAnnouncer() {
  const [lines, setLines] = createSignal<readonly { sentence: string }[]>([])
  const announce: Announce = (sentence) => {
    const line = { sentence }
    const remove = () => setLines((before) => before.filter((other) => other !== line))
    setLines((before) => [...before, line])
    setTimeout(remove, shownMs)
    return remove
  }
  return { lines, announce }
}

export function useAnnounce(): Announce {
  return useContext(AnnounceContext)
}

/**
 * Announces to screen readers that a message could not be sent, because the message's row may be
 * outside the view.
 */
export function createFailureAnnouncer(chat: Chat, announce: Announce): void {
  const { t } = useLanguage()
  const failed = () => chat.sendQueue.all().filter(({ status }) => status === 'failed')
  createEffect(
    on(failed, (now, before = []) => {
      for (const outgoing of now)
        if (!before.some(({ clientId }) => clientId === outgoing.clientId))
          announce(failureText(t, outgoing))
    }),
  )
}
