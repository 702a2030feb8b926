import { createContext, createEffect, createSignal, on, useContext } from 'solid-js'
import type { Chat } from '../chat/createChat.ts'
import { useLanguage } from '../i18n/createLanguage.ts'
import { failureText } from '../i18n/problem.ts'

/**
 * Has a sentence said by a screen reader, once it has said what it is saying. Answers with what takes it
 * out of the page at once; else it is there for a moment.
 */
export type Announce = (sentence: string) => () => void

export const AnnounceContext = createContext<Announce>(() => () => {})

const shownMs = 3_000

/** What is being said, to be drawn where it is heard and not seen. */
export function createAnnouncer() {
  const [lines, setLines] = createSignal<readonly { sentence: string }[]>([])
  const announce: Announce = (sentence) => {
    const line = { sentence }
    const take = () => setLines((before) => before.filter((it) => it !== line))
    setLines((before) => [...before, line])
    setTimeout(take, shownMs)
    return take
  }
  return { lines, announce }
}

export function useAnnounce(): Announce {
  return useContext(AnnounceContext)
}

/** Says of each message that it was not sent, once: it may be far from what somebody looks at. */
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
