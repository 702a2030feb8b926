import { createEffect, createMemo, createSignal, on, onCleanup } from 'solid-js'
import type { OutputOf } from '#runtime'
import { isCallError } from '#runtime/client'
import type { MessageId } from '#schema/ids'
import type { msgFind } from '#schema/messages/chat'
import type { Chat } from '../chat/createChat.ts'
import { callWithRetry, isTransient, retryDelayMs } from '../nats/callWithRetry.ts'
import { type Route, useRoute } from '../routing/createRoute.ts'
import type { Conversation } from './createConversation.ts'

interface LinkedMessage {
  id: MessageId
  /**
   * False if the link leads to a thread: the room then opens at the thread's root message, but does
   * not highlight it.
   */
  isMarked: boolean
}

type FoundMessage = OutputOf<typeof msgFind>

export function linkedMessageOf(route: Route, threadId?: MessageId): LinkedMessage | undefined {
  const { thread, message } = route
  if (thread === threadId) return message && { id: message, isMarked: true }
  return threadId === undefined && thread ? { id: thread, isMarked: false } : undefined
}

export function createLinkedMessage(chat: Chat, { room, threadId, timeline }: Conversation) {
  const { route, go } = useRoute()
  const [marked, setMarked] = createSignal<MessageId | undefined>(undefined, { equals: false })
  const [isMissing, setMissing] = createSignal(false)
  const linked = createMemo(() =>
    route().room === room.id ? linkedMessageOf(route(), threadId) : undefined,
  )
  const has = (id: MessageId) => timeline.items().some((item) => item.id === id)
  const isCached = () => timeline.status() === 'ready' && timeline.opened() === 0
  const isLoaded = (id: MessageId) => !isCached() && has(id)
  let isClosed = false
  onCleanup(() => {
    isClosed = true
  })

  createEffect(
    on(linked, (target, before) => {
      if (target) void show(target)
      else if (before) setMarked(undefined)
    }),
  )

  createEffect(
    on(isCached, (is) => {
      const target = linked()
      if (is && target?.isMarked && has(target.id)) setMarked(target.id)
    }),
  )

  async function show(target: LinkedMessage) {
    setMissing(false)
    if (!target.isMarked) setMarked(undefined)
    const isShown = isLoaded(target.id) || (await open(target))
    if (linked() !== target) return
    if (isShown && target.isMarked) setMarked(target.id)
  }

  /** Returns false if the message is missing or in another thread. Retries until msg.find is available. */
  async function open(target: LinkedMessage): Promise<boolean> {
    for (let answer = await find(target); ; answer = await find(target)) {
      if (linked() !== target || isClosed) return false
      if (
        answer === 'unavailable' ||
        (answer && isInThread(answer) && !(await timeline.goTo(answer.seq)))
      ) {
        await new Promise((resolve) => setTimeout(resolve, retryDelayMs))
        continue
      }
      const { thread } = answer ?? {}
      if (answer && isInThread(answer) && has(target.id)) return true
      if (!thread || thread.id === threadId) break
      go({ room: room.id, thread: thread.id, message: target.id }, 'replace')
      return false
    }
    setMissing(true)
    if (timeline.status() !== 'ready') await timeline.goToPresent()
    return false
  }

  const isInThread = ({ thread }: FoundMessage) => thread?.id === threadId

  async function find({ id }: LinkedMessage): Promise<FoundMessage | 'unavailable' | undefined> {
    try {
      return await callWithRetry(chat.client, 'msg.find', { room: room.id, id })
    } catch (error) {
      if (!isCallError(error)) throw error
      return isTransient(error) || error.code === 'rate_limited' ? 'unavailable' : undefined
    }
  }

  return {
    /**
     * The linked message. Notifies subscribers each time the user follows a link, even to the same
     * message, so that the list scrolls to it again.
     */
    marked,
    hasTarget() {
      const target = linked()
      return target?.isMarked === true && (!isCached() || has(target.id))
    },
    isMissing,
    dismiss: () => setMissing(false),
  }
}
