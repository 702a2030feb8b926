import { createContext, createEffect, on, useContext } from 'solid-js'
import type { Chat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { failureOf } from '../i18n/problem.ts'

/** Has a sentence said by a screen reader, once it has said what it is saying. */
export type Announce = (sentence: string) => void

export const AnnounceContext = createContext<Announce>(() => {})

export function useAnnounce(): Announce {
  return useContext(AnnounceContext)
}

/** Says of each message that it was not sent, once: it may be far from what somebody looks at. */
export function createFailureWord(chat: Chat, announce: Announce): void {
  const { t } = useLanguage()
  const failed = () => chat.outbox.all().filter(({ status }) => status === 'failed')
  createEffect(
    on(failed, (now, before = []) => {
      for (const outgoing of now)
        if (!before.some(({ clientId }) => clientId === outgoing.clientId))
          announce(failureOf(t, outgoing))
    }),
  )
}
