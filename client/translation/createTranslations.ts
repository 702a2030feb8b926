import { createRoot, createSignal } from 'solid-js'
import { createStore, reconcile } from 'solid-js/store'
import { isCallError } from '#runtime/client'
import { topics } from '#schema/contracts'
import { type MessageId, toNotifyId } from '#schema/ids'
import type { EngineName, TranslationPiece } from '#schema/messages/translate'
import type { Chat } from '../chat/createChat.ts'
import type { TimelineMessage } from '../chat/timeline.ts'

export interface Translation {
  source: string
  targetLang: string
  /** `skipped`: the message has no words, or is in a language that the user knows. */
  status: 'running' | 'done' | 'failed' | 'skipped'
  text: string
  engine?: EngineName
  code?: string
  reason?: string
  isHidden: boolean
  isAutomatic: boolean
}

interface Order {
  item: TimelineMessage
  timer: ReturnType<typeof setTimeout>
}

/**
 * A translation fails after this time without output. This is longer than the 15 seconds after which the
 * server ends a run without output.
 */
const silenceMs = 20_000
const pingMs = 60_000
const maxAutomatic = 2

export type Translations = ReturnType<typeof createTranslations>

const byChat = new WeakMap<Chat, Translations>()

export function useTranslations(chat: Chat): Translations {
  const existing = byChat.get(chat)
  if (existing) return existing
  const created = createRoot(() => createTranslations(chat))
  byChat.set(chat, created)
  return created
}

function createTranslations(chat: Chat) {
  const { client } = chat
  const [entries, setEntries] = createStore<Record<MessageId, Translation>>({})
  const orders = new Map<string, Order>()
  const waiting: { item: TimelineMessage; targetLang: string }[] = []
  const postponed = new Map<MessageId, TimelineMessage>()
  const [targets, setTargets] = createSignal<readonly string[]>()
  let polling: ReturnType<typeof setInterval> | undefined

  client.listen(topics.deliverTranslation, { user: chat.me }, receive)
  chat.connection.onReconnect(() => {
    // While the page was offline, it may have missed pieces of a running translation. So it
    // requests the translation again: the answer is the text so far, and then the rest.
    for (const [msgKey, { item }] of [...orders]) {
      settle(msgKey)
      void request(item)
    }
  })

  /** Ignores the translation of an earlier text, so that an edited message can be translated again. */
  function of({ id, text, deletedAt }: TimelineMessage): Translation | undefined {
    const entry = entries[id]
    return entry?.source === text && !deletedAt ? entry : undefined
  }

  function translate(item: TimelineMessage, targetLang: string, isAutomatic = false) {
    const entry = of(item)
    const isUsable = entry?.status === 'running' || entry?.status === 'done'
    if (isUsable && entry.targetLang === targetLang)
      return setEntries(item.id, { isHidden: false, isAutomatic })
    const entryNow = { source: item.text, targetLang, text: '', isHidden: false, isAutomatic }
    setEntries(item.id, reconcile<Translation, Translation>({ ...entryNow, status: 'running' }))
    void request(item)
  }

  async function request(item: TimelineMessage) {
    const entry = of(item)
    if (!entry) return
    const { targetLang, isAutomatic } = entry
    const msgKey = `${item.id}.${crypto.randomUUID()}`
    const known = [targetLang, document.documentElement.lang, ...navigator.languages]
    const skip = isAutomatic ? known.filter((tag) => tag !== '').slice(0, 8) : []
    orders.set(msgKey, { item, timer: watch(msgKey, item) })
    try {
      const notifyId = toNotifyId(item)
      const { state } = await client.call('translate.request', {
        ...{ notifyId, targetLang, msgKey, skip },
      })
      if (state !== 'skipped') return
      settle(msgKey)
      setEntries(item.id, 'status', 'skipped')
    } catch (error) {
      if (!isCallError(error)) throw error
      settle(msgKey)
      fail(item, error)
    }
  }

  function receive(piece: TranslationPiece) {
    const { msgKey, translatedText, offset, done, engine, error } = piece
    const order = orders.get(msgKey)
    if (!order) return
    const { item } = order
    const entry = of(item)
    if (!entry) return settle(msgKey)
    if (offset > entry.text.length) {
      settle(msgKey)
      return void request(item)
    }
    clearTimeout(order.timer)
    order.timer = watch(msgKey, item)
    setEntries(item.id, { text: entry.text.slice(0, offset) + translatedText, engine })
    if (!done) return
    settle(msgKey)
    if (error) fail(item, error)
    else setEntries(item.id, 'status', 'done')
  }

  function watch(msgKey: string, item: TimelineMessage) {
    return setTimeout(() => {
      settle(msgKey)
      fail(item, { code: 'timeout', message: '' })
    }, silenceMs)
  }

  function settle(msgKey: string) {
    clearTimeout(orders.get(msgKey)?.timer)
    orders.delete(msgKey)
    queueMicrotask(translateNext)
  }

  function fail(item: TimelineMessage, { code, message }: { code: string; message: string }) {
    if (!of(item)) return
    setEntries(item.id, { status: 'failed', text: '', code, reason: message })
    if (code !== 'unavailable') return
    postponed.set(item.id, item)
    polling ??= setInterval(() => void poll(), pingMs)
  }

  function cancel(msgKey: string, id: MessageId) {
    settle(msgKey)
    setEntries(id, { status: 'failed', text: '', code: 'cancelled' })
    void client.try('translate.cancel', { msgKey })
  }

  async function poll() {
    const answer = await client.try('translate.ping', {})
    if (!answer.ok || !answer.value.available) return
    clearInterval(polling)
    polling = undefined
    for (const item of postponed.values()) {
      const entry = of(item)
      if (entry?.code === 'unavailable') translate(item, entry.targetLang, entry.isAutomatic)
    }
    postponed.clear()
    translateNext()
  }

  function translateNext() {
    const running = [...orders.values()].filter(({ item }) => of(item)?.isAutomatic)
    if (polling !== undefined || running.length >= maxAutomatic) return
    const next = waiting.pop()
    if (!next) return
    if (!of(next.item)) translate(next.item, next.targetLang, true)
    translateNext()
  }

  return {
    of,
    translate,
    /** Hides the translation, and cancels it if it is not complete. */
    hide({ id }: TimelineMessage) {
      setEntries(id, 'isHidden', true)
      for (const [msgKey, { item }] of [...orders]) if (item.id === id) cancel(msgKey, id)
    },
    /** The message that was enqueued last is translated first. */
    enqueue(item: TimelineMessage, targetLang: string) {
      if (of(item)) return
      waiting.push({ item, targetLang })
      queueMicrotask(translateNext)
    },
    /** Has no effect if the translation has already begun. */
    dequeue({ id }: TimelineMessage) {
      const index = waiting.findIndex(({ item }) => item.id === id)
      if (index >= 0) waiting.splice(index, 1)
    },
    /**
     * The target languages that `loadTargets` has read. Undefined if an engine knows all languages
     * or no engine is available.
     */
    targets,
    async loadTargets() {
      const answer = await client.try('translate.ping', {})
      const engines = answer.ok ? answer.value.engines.filter((engine) => engine.available) : []
      const isLimited = engines.length > 0 && engines.every((engine) => engine.pairs)
      const languages = engines.flatMap((engine) => Object.values(engine.pairs ?? {}).flat())
      setTargets(isLimited ? [...new Set(languages)] : undefined)
    },
  }
}
